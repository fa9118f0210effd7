// SPDX-License-Identifier: Apache-2.0
#include "qcow2/overlay.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "qcow2/format.h"
#include "qcow2/header.h"

namespace boxlite::qcow2 {
namespace {

constexpr std::uint64_t bytes_per_l1_entry = cluster / 8 * cluster;

// Big-endian numbers, appended and read in order.
class Fields {
 public:
  template <typename Number>
  void put(Number number) {
    for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>(static_cast<unsigned char>(number >> shift));
    }
  }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

Result<std::uint64_t> size_of_backing(const std::filesystem::path& overlay, const Backing& backing) {
  const std::filesystem::path file = overlay.parent_path() / backing.file;  // an absolute one stays as it is
  if (backing.format == "qcow2") {
    const Header header = BOXLITE_TRY(read_header(file));
    return header.virtual_size;
  }
  if (backing.format != "raw") {
    return fail(ErrorCode::invalid_argument,
                concat("backing format ", in_quotes(backing.format), " is not known"));
  }
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return fail(syscall_error("stat", file.native(), errno));
  return static_cast<std::uint64_t>(status.st_size);
}

// Refcounts are 16 bits wide; the four clusters in use count once each.
std::string overlay_bytes(const Backing& backing, std::uint64_t virtual_size, std::uint64_t l1_entries) {
  const std::uint64_t l1_clusters = (l1_entries * 8 + cluster - 1) / cluster;
  const std::string& name = backing.file.native();
  const std::size_t format_bytes = (backing.format.size() + 7) & ~std::size_t{7};
  const std::uint64_t name_offset = header_bytes + 8 + format_bytes + 8;
  Fields fields;
  fields.put(magic);
  fields.put(std::uint32_t{3});
  fields.put(name_offset);
  fields.put(static_cast<std::uint32_t>(name.size()));
  fields.put(cluster_bits);
  fields.put(virtual_size);
  fields.put(std::uint32_t{0});  // not encrypted
  fields.put(static_cast<std::uint32_t>(l1_entries));
  fields.put(std::uint64_t{3 * cluster});  // L1 table
  fields.put(std::uint64_t{1 * cluster});  // refcount table
  fields.put(std::uint32_t{1});
  fields.put(std::uint32_t{0});  // no snapshots
  fields.put(std::uint64_t{0});
  fields.put(std::uint64_t{0});  // incompatible, compatible and autoclear features
  fields.put(std::uint64_t{0});
  fields.put(std::uint64_t{0});
  fields.put(std::uint32_t{4});  // refcounts of 2^4 bits
  fields.put(header_bytes);
  fields.put(backing_format_extension);
  fields.put(static_cast<std::uint32_t>(backing.format.size()));
  std::string& bytes = fields.bytes();
  bytes += backing.format;
  bytes.resize(name_offset - 8);
  fields.put(std::uint64_t{0});  // end of extensions
  bytes += name;
  bytes.resize(cluster);
  fields.put(std::uint64_t{2 * cluster});
  bytes.resize(2 * cluster);
  for (std::uint64_t used = 0; used < 3 + l1_clusters; ++used) fields.put(std::uint16_t{1});
  return bytes;
}

Result<void> write_overlay(const std::filesystem::path& path, const Backing& backing,
                           std::uint64_t virtual_size) {
  const std::uint64_t backing_size = BOXLITE_TRY(size_of_backing(path, backing));
  if (backing.file.native().size() > max_backing_name) {
    return fail(ErrorCode::invalid_argument, "the path of the backing disk is longer than 1023 bytes");
  }
  if (virtual_size < backing_size || virtual_size > max_virtual_size) {
    return fail(
        Error(ErrorCode::invalid_argument,
              concat("a disk of ", virtual_size, " bytes cannot hold the image's disk of ", backing_size,
                     " bytes"))
            .with_remedy("ask for a disk that is at least as large as the image's, and at most 16 TiB"));
  }
  const std::uint64_t size = (virtual_size + 511) / 512 * 512;
  const std::uint64_t l1_entries = (size + bytes_per_l1_entry - 1) / bytes_per_l1_entry;
  const std::uint64_t l1_clusters = (l1_entries * 8 + cluster - 1) / cluster;
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  ScopeExit remove([&] { ::unlink(path.c_str()); });
  BOXLITE_TRY(write_all(file.get(), overlay_bytes(backing, size, l1_entries), path.native()));
  if (::ftruncate(file.get(), static_cast<off_t>((3 + l1_clusters) * cluster)) != 0) {
    return fail(syscall_error("truncate", path.native(), errno));
  }
  remove.release();
  return {};
}

}  // namespace

Result<void> create_overlay(const std::filesystem::path& path, const Backing& backing,
                            std::uint64_t virtual_size) {
  BOXLITE_TRY_CONTEXT(concat("create disk ", in_quotes(path.native())),
                      write_overlay(path, backing, virtual_size));
  return {};
}

namespace {

Result<void> check_overlay(const std::filesystem::path& path, const std::filesystem::path& base) {
  const Header header = BOXLITE_TRY(read_header(path));
  if (base.empty()) {
    if (header.backing_file.empty()) return {};
    return fail(ErrorCode::corrupted, concat("its header names a base, ", in_quotes(header.backing_file)));
  }
  struct stat status{};
  if (::stat(base.c_str(), &status) != 0) return fail(syscall_error("stat", base.native(), errno));
  // The home may have been reached by another path, or have lain elsewhere: what names a base is the digest
  // in its file name. Which file is opened is not read from here.
  const std::filesystem::path named(header.backing_file);
  const bool is_base = named.is_absolute() && named.filename() == base.filename();
  if (!is_base || header.backing_format != "raw") {
    return fail(
        ErrorCode::corrupted,
        concat("its header names another base, ", in_quotes(header.backing_file), " (",
               in_quotes(header.backing_format), "), than the box was made on, ", in_quotes(base.native())));
  }
  return {};
}

}  // namespace

Result<void> require_overlay_over(const std::filesystem::path& path, const std::filesystem::path& base) {
  auto checked = check_overlay(path, base);
  if (checked) return checked;
  Error error = std::move(checked).error().context(concat("open disk ", in_quotes(path.native())));
  if (error.code() != ErrorCode::corrupted) return fail(std::move(error));
  return fail(std::move(error).with_remedy(
      "the box, or who runs as you, has changed the disk's header: do not trust its "
      "files; remove the box"));
}

}  // namespace boxlite::qcow2
