// SPDX-License-Identifier: Apache-2.0
#include "local/home/disk_shelf.h"

#include <algorithm>

#include "base/concat.h"
#include "base/files.h"
#include "linux/files/file_lock.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t default_size_gib = disk::default_disk_bytes >> 30;
// A prune only unlinks files.
constexpr std::chrono::milliseconds prune_limit = 60s;

// What keeps the layers and the disk in place.
struct Hold {
  linux_::FileLock disks;
  image::Lease blobs;
};

disk::ProgressCallback told_as(const ProgressCallback& progress) {
  if (!progress) return {};
  return [progress](const disk::BuildProgress& step) {
    progress({.stage = "disk",
              .detail = std::string(disk::name(step.stage)),
              .done = step.done_bytes,
              .total = step.total_bytes});
  };
}

// "<n>g/<chain>.<version>" or, for disks of the default size, "<chain>.<version>": relative to the home's
// disks/.
std::string key_of(const std::filesystem::path& disks, const disk::CachedDisk& cached) {
  return cached.path.lexically_relative(disks).replace_extension().native();
}

bool is_current(const disk::CachedDisk& cached) {
  return cached.writer_version == disk::disk_writer_version;
}

// The guest grows its file system to a larger disk at the first boot; making it smaller is not possible.
std::uint64_t base_size_gib(std::uint64_t disk_size_gib) {
  return std::min(disk_size_gib, default_size_gib);
}

}  // namespace

std::vector<disk::LayerSource> layer_sources(const image::Image& image, const image::ImageStore& images) {
  std::vector<disk::LayerSource> sources;
  for (const auto& layer : image.layers) {
    sources.push_back({.blob = images.blob_path(layer.digest), .diff_id = layer.diff_id});
  }
  return sources;
}

std::filesystem::path DiskShelf::directory(std::uint64_t size_gib) const {
  return size_gib == default_size_gib ? home_.disks() : home_.disks() / concat(size_gib, "g");
}

Result<box::BaseDisk> DiskShelf::require(const image::Image& image, std::uint64_t disk_size_gib,
                                         const box::Call& call) {
  const auto size_gib = base_size_gib(disk_size_gib);
  auto disks_lock = BOXLITE_TRY(
      linux_::FileLock::acquire(home_.disks_lock(), linux_::LockMode::shared, call.within(prune_limit)));
  const auto hold = std::make_shared<Hold>(std::move(disks_lock), BOXLITE_TRY(images_.lease()));
  const auto cache = BOXLITE_TRY(disk::DiskCache::open(directory(size_gib)));
  const auto chain_id = image.chain_id();
  auto cached = BOXLITE_TRY(cache.lookup(chain_id));
  if (!cached) {
    const auto limits = BOXLITE_TRY(disk::LayerLimits::from_environment());
    const disk::ImageDiskOptions options{.size_bytes = size_gib << 30,
                                         .limits = limits,
                                         .progress = told_as(call.progress()),
                                         .stop = call.stop()};
    cached = BOXLITE_TRY_CONTEXT(concat("make a disk of image ", in_quotes(image.reference)),
                                 cache.build(layer_sources(image, images_), options));
  }
  return box::BaseDisk{.key = key_of(home_.disks(), *cached), .path = cached->path, .hold = hold};
}

std::filesystem::path DiskShelf::path_of(std::string_view key) const {
  return home_.disks() / concat(key, disk::disk_suffix);
}

Result<DiskShelf::Pruned> DiskShelf::prune(const std::function<Result<Needed>()>& needed, bool dry_run) {
  Pruned pruned;
  const auto lock = linux_::FileLock::try_acquire(home_.disks_lock(), linux_::LockMode::exclusive);
  if (!lock && lock.error().code() == ErrorCode::unavailable) return pruned;
  if (!lock) return std::unexpected(lock.error());
  const auto keep = BOXLITE_TRY(needed());
  BOXLITE_TRY(prune_directory(home_.disks(), keep, dry_run, pruned));
  std::error_code failed;
  for (const auto& entry : entries_of(home_.disks())) {
    if (std::filesystem::is_directory(entry, failed))
      BOXLITE_TRY(prune_directory(entry, keep, dry_run, pruned));
  }
  return pruned;
}

Result<std::vector<DiskShelf::Shelved>> DiskShelf::list() const {
  std::vector<std::filesystem::path> directories{home_.disks()};
  std::error_code failed;
  for (const auto& entry : entries_of(home_.disks())) {
    if (std::filesystem::is_directory(entry, failed)) directories.push_back(entry);
  }
  std::vector<Shelved> found;
  for (const auto& directory : directories) {
    const auto cache = BOXLITE_TRY(disk::DiskCache::open(directory));
    for (const auto& cached : BOXLITE_TRY(cache.list()))
      found.push_back(
          {key_of(home_.disks(), cached), cached.chain_id, is_current(cached), cached.allocated_bytes});
  }
  return found;
}

Result<void> DiskShelf::prune_directory(const std::filesystem::path& directory, const Needed& needed,
                                        bool dry_run, Pruned& out) {
  const auto cache = BOXLITE_TRY(disk::DiskCache::open(directory));
  for (const auto& cached : BOXLITE_TRY(cache.list())) {
    const auto key = key_of(home_.disks(), cached);
    if (needed.keys.contains(key)) continue;
    if (is_current(cached) && needed.chain_ids.contains(cached.chain_id)) continue;
    if (!dry_run) BOXLITE_TRY(cache.remove(cached));
    out.removed.push_back(concat("disks/", key, disk::disk_suffix));
    out.freed_bytes += cached.allocated_bytes;
  }
  return dry_run ? Result<void>() : cache.sweep();
}

}  // namespace boxlite::local
