// SPDX-License-Identifier: Apache-2.0
// links: disk oci linux base
// A layer as an attacker would write it. The first byte says what it meets: the decompressors, the tar reader
// and the file tree, or all the way into an ext4 image.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/unique_fd.h"
#include "disk/decompressor.h"
#include "disk/ext4/ext4_writer.h"
#include "disk/layer_application.h"
#include "tar/tar_fields.h"

namespace {

using namespace boxlite;
using namespace boxlite::disk;
using boxlite::tar::tar_block;

void require(bool holds) {
  if (!holds) std::abort();
}

// The input in pieces of 700 bytes. Headers get their checksum here: no fuzzer would guess it.
class Input final : public tar::ByteStream {
 public:
  explicit Input(std::string bytes) : bytes_(std::move(bytes)) {
    for (std::size_t at = 0; at + tar_block <= bytes_.size(); at += tar_block) {
      if (bytes_.compare(at + 257, 5, "ustar") == 0) seal(at);
    }
  }
  Result<std::string_view> next() override {
    const auto piece = std::string_view(bytes_).substr(position_, 700);
    position_ += piece.size();
    return piece;
  }

 private:
  void seal(std::size_t at) {
    std::memset(&bytes_[at + 148], ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < tar_block; ++i) sum += static_cast<unsigned char>(bytes_[at + i]);
    for (std::size_t i = 6; i-- > 0; sum >>= 3) bytes_[at + 148 + i] = static_cast<char>('0' + (sum & 7));
  }

  std::string bytes_;
  std::size_t position_ = 0;
};

// Checks what every sink relies on: offsets that grow and stay inside the file.
class CheckingSink final : public ContentSink {
 public:
  Result<void> begin(Inode&) override {
    end_ = 0;
    return {};
  }
  Result<void> write(Inode& file, std::uint64_t offset, std::string_view bytes) override {
    require(!bytes.empty() && offset >= end_ && bytes.size() <= file.size &&
            offset <= file.size - bytes.size());
    end_ = offset + bytes.size();
    return {};
  }
  Result<void> end(Inode&) override { return {}; }
  Result<void> discard(Inode& file) override {
    require(file.links == 0);
    return {};
  }

 private:
  std::uint64_t end_ = 0;
};

// Both halves of the input are layers, so that whiteouts and replacements have something to act on.
Result<void> apply(std::string_view input, FileTree& tree, ContentSink& sink) {
  LayerApplication application(tree, sink, 2000);
  const std::size_t half = input.size() / tar_block / 2 * tar_block;
  for (const std::string_view layer : {input.substr(0, half), input.substr(half)}) {
    Input stream{std::string(layer)};
    TarReader reader(stream);
    // A broken lower layer does not keep the fuzzer from the upper one.
    static_cast<void>(application.apply(reader, [] { return Result<void>(); }));
  }
  return {};
}

UniqueFd memory_file(std::string_view content) {
  UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  require(file.is_open());
  require(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  return file;
}

// Every inode in use can be read, has a type and valid checksums, as have its attributes and its names.
void check_inode(ext2_filsys fs, ext2_ino_t number) {
  ext2_inode inode{};
  require(ext2fs_read_inode(fs, number, &inode) == 0 && inode.i_mode != 0 && inode.i_links_count != 0);
  ext2_xattr_handle* xattrs = nullptr;
  require(ext2fs_xattrs_open(fs, number, &xattrs) == 0 && ext2fs_xattrs_read(xattrs) == 0);
  ext2fs_xattrs_close(&xattrs);
  const auto names_a_file = [](ext2_dir_entry* entry, int, int, char*, void* fs_of_it) {
    require(ext2fs_test_inode_bitmap2(static_cast<ext2_filsys>(fs_of_it)->inode_map, entry->inode) != 0);
    return 0;
  };
  if (LINUX_S_ISDIR(inode.i_mode)) require(ext2fs_dir_iterate(fs, number, 0, nullptr, names_a_file, fs) == 0);
}

void check_image(const std::string& path) {
  ext2_filsys fs = nullptr;
  require(ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs) == 0);
  require(ext2fs_read_bitmaps(fs) == 0);
  check_inode(fs, EXT2_ROOT_INO);
  for (ext2_ino_t number = ext4_first_inode; number <= fs->super->s_inodes_count; ++number) {
    if (ext2fs_test_inode_bitmap2(fs->inode_map, number) != 0) check_inode(fs, number);
  }
  ext2fs_free(fs);
}

void build_image(std::string_view input) {
  const UniqueFd image = memory_file("");
  const auto path = concat("/proc/self/fd/", image.get());
  auto writer = Ext4Writer::create(path, 64u << 20, FileSystemId{});
  require(writer.has_value());
  FileTree tree(**writer, 1u << 20);
  static_cast<void>(apply(input, tree, **writer));
  if ((*writer)->finish(tree)) check_image(path);
}

void decompress(std::string_view input) {
  const UniqueFd blob = memory_file(input);
  const auto decompressor = Decompressor::open(blob.get());
  if (!decompressor) return;
  char out[10'000];
  for (int reads = 0; reads < 1000; ++reads) {
    const auto got = (*decompressor)->read(out, sizeof out);
    if (!got || *got == 0) return;
    require(*got <= sizeof out);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 200'000) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 4 == 0) {
    decompress(input);
  } else if (data[0] % 4 == 1) {
    build_image(input);
  } else {
    CheckingSink sink;
    FileTree tree(sink, 1u << 20);
    static_cast<void>(apply(input, tree, sink));
  }
  return 0;
}
