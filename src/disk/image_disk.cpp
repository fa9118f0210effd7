// SPDX-License-Identifier: Apache-2.0
#include "disk/image_disk.h"

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "disk/ext4/ext4_writer.h"
#include "disk/layer_application.h"
#include "oci/chain_id.h"

namespace boxlite::disk {
namespace {

// A UUID of version 8 (the bits are ours to choose) from what the layers are.
FileSystemId id_from(std::span<const LayerSource> layers) {
  std::vector<oci::Digest> diff_ids;
  for (const LayerSource& layer : layers) diff_ids.push_back(layer.diff_id);
  const std::string hex = oci::Digest::of(concat("boxlite image disk ", oci::chain_id(diff_ids).str())).hex();
  FileSystemId id{};
  for (std::size_t i = 0; i < id.size(); ++i) std::from_chars(&hex[2 * i], &hex[2 * i] + 2, id[i], 16);
  id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x80);
  id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);
  return id;
}

Result<void> check(std::uint64_t size_bytes) {
  if (size_bytes >= min_disk_bytes && size_bytes <= max_disk_bytes) return {};
  return fail(ErrorCode::invalid_argument, concat("disk size ", size_bytes, " is outside of ", min_disk_bytes,
                                                  " to ", max_disk_bytes, " bytes"));
}

Result<ImageDisk> build(std::span<const LayerSource> layers, const std::filesystem::path& path,
                        const ImageDiskOptions& options) {
  const std::uint64_t size = options.size_bytes / ext4_block_bytes * ext4_block_bytes;
  auto writer = BOXLITE_TRY(Ext4Writer::create(path, size, id_from(layers)));
  FileTree tree(*writer, options.limits.metadata_bytes);
  BOXLITE_TRY(apply_layers(layers, {options.limits, options.progress, options.stop}, tree, *writer));
  if (options.progress) options.progress({BuildStage::metadata, 0, 0});
  BOXLITE_TRY(writer->finish(tree));
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail(syscall_error("stat", path.native(), errno));
  return ImageDisk{size, static_cast<std::uint64_t>(status.st_blocks) * 512, tree.inode_count()};
}

}  // namespace

Result<ImageDisk> build_image_disk(std::span<const LayerSource> layers, const std::filesystem::path& path,
                                   const ImageDiskOptions& options) {
  const auto what = [&] { return concat("build disk image ", in_quotes(path.native())); };
  if (layers.empty()) return fail(ErrorCode::invalid_argument, concat(what(), ": the image has no layers"));
  BOXLITE_TRY_CONTEXT(what(), check(options.size_bytes));
  BOXLITE_TRY_CONTEXT(what(), open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  ScopeExit remove([&] { ::unlink(path.c_str()); });
  ImageDisk built = BOXLITE_TRY_CONTEXT(what(), build(layers, path, options));
  remove.release();
  return built;
}

}  // namespace boxlite::disk
