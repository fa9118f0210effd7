// SPDX-License-Identifier: Apache-2.0
// Files of the directory: HEX.VERSION.ext4 (complete; HEX.ext4 by the first writer), HEX.building (a
// builder's work, valid only while it holds the lock) and HEX.lock. The lock file stays as long as the disk
// or a builder may need it: deleting a lock file that somebody else has just opened would let two processes
// hold "the" lock.
#include "disk/disk_cache.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "linux/files/file_lock.h"
#include "oci/chain_id.h"

namespace boxlite::disk {
namespace {

using linux_::FileLock;
using linux_::LockMode;

// What is behind the chain id in the name of a disk of this version.
std::string current_suffix() {
  return concat(".", disk_writer_version, disk_suffix);
}

constexpr std::string_view building_suffix = ".building";
constexpr std::string_view lock_suffix = ".lock";

Timestamp to_time(const timespec& time) {
  return Timestamp(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

// Nothing when the file is not there.
Result<std::optional<CachedDisk>> describe(const std::filesystem::path& path, const oci::Digest& chain_id) {
  const unsigned version = writer_version_of(path.stem().native());
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail(syscall_error("stat", path.native(), errno));
  }
  return CachedDisk{chain_id,
                    version,
                    path,
                    static_cast<std::uint64_t>(status.st_size),
                    static_cast<std::uint64_t>(status.st_blocks) * 512,
                    to_time(status.st_atim)};
}

// The access time is the time of the last use. Mount options may keep the kernel from setting it, so it is
// set here; a home that cannot be written is not worth failing for.
void mark_used(const std::filesystem::path& path) {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  ::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

Result<void> sync_file(const std::filesystem::path& path) {
  const UniqueFd file = BOXLITE_TRY(open_file(path, O_RDWR));
  if (::fsync(file.get()) != 0) return fail(syscall_error("sync", path.native(), errno));
  return {};
}

Result<void> unlink_if_there(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail(syscall_error("remove", path.native(), errno));
}

// Waits in short steps, so that a caller that gives up is heard.
Result<FileLock> wait_for_lock(const std::filesystem::path& path, const ImageDiskOptions& options) {
  bool told = false;
  while (true) {
    auto lock = FileLock::try_acquire(path, LockMode::exclusive);
    if (lock || lock.error().code() != ErrorCode::unavailable) return lock;
    if (options.stop.stop_requested()) return fail(ErrorCode::cancelled, "the caller asked to stop");
    if (!told && options.progress) options.progress({BuildStage::waiting, 0, 0});
    told = true;
    lock = FileLock::acquire(path, LockMode::exclusive, Deadline::after(std::chrono::milliseconds(200)));
    if (lock || lock.error().code() != ErrorCode::timed_out) return lock;
  }
}

// The chain ids of the files in `directory` that end with `suffix`; other files are none of ours.
Result<std::vector<oci::Digest>> chain_ids(const std::filesystem::path& directory, std::string_view suffix) {
  std::vector<oci::Digest> found;
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return fail(syscall_error("open", directory.native(), errno));
  const ScopeExit close([&] { ::closedir(stream); });
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with(suffix)) continue;
    auto digest = oci::Digest::parse(concat("sha256:", name.substr(0, name.size() - suffix.size())));
    if (digest) found.push_back(*std::move(digest));
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace

unsigned writer_version_of(std::string_view name) {
  const auto dot = name.rfind('.');
  unsigned version = 1;
  if (dot != name.npos) std::from_chars(name.data() + dot + 1, name.data() + name.size(), version);
  return version;
}

Result<DiskCache> DiskCache::open(std::filesystem::path directory) {
  BOXLITE_TRY(make_directories(directory));
  return DiskCache(std::move(directory));
}

std::filesystem::path DiskCache::path_of(const oci::Digest& chain_id, std::string_view suffix) const {
  return directory_ / concat(chain_id.hex(), suffix);
}

Result<std::optional<CachedDisk>> DiskCache::lookup(const oci::Digest& chain_id) const {
  const std::filesystem::path path = path_of(chain_id, current_suffix());
  auto found = BOXLITE_TRY(describe(path, chain_id));
  if (found) mark_used(path);
  return found;
}

Result<CachedDisk> DiskCache::build(std::span<const LayerSource> layers,
                                    const ImageDiskOptions& options) const {
  if (layers.empty()) return fail(ErrorCode::invalid_argument, "build disk image: the image has no layers");
  std::vector<oci::Digest> diff_ids;
  for (const LayerSource& layer : layers) diff_ids.push_back(layer.diff_id);
  const oci::Digest chain_id = oci::chain_id(diff_ids);
  if (auto found = BOXLITE_TRY(lookup(chain_id))) return *found;
  const FileLock lock = BOXLITE_TRY(wait_for_lock(path_of(chain_id, lock_suffix), options));
  if (auto found = BOXLITE_TRY(lookup(chain_id))) return *found;
  return build_locked(layers, options, chain_id);
}

Result<CachedDisk> DiskCache::build_locked(std::span<const LayerSource> layers,
                                           const ImageDiskOptions& options,
                                           const oci::Digest& chain_id) const {
  const std::filesystem::path building = path_of(chain_id, building_suffix);
  const std::filesystem::path finished = path_of(chain_id, current_suffix());
  BOXLITE_TRY(unlink_if_there(building));
  BOXLITE_TRY(build_image_disk(layers, building, options));
  ScopeExit undo([&] { ::unlink(building.c_str()); });
  if (options.progress) options.progress({BuildStage::sync, 0, 0});
  BOXLITE_TRY(sync_file(building));
  if (::chmod(building.c_str(), 0400) != 0) return fail(syscall_error("chmod", building.native(), errno));
  if (::rename(building.c_str(), finished.c_str()) != 0) {
    return fail(syscall_error("rename", building.native(), errno));
  }
  undo.release();
  BOXLITE_TRY(fsync_directory(directory_));
  const auto disk = BOXLITE_TRY(describe(finished, chain_id));
  if (!disk) return fail(ErrorCode::invalid_state, "the disk was removed as soon as it was built");
  return *disk;
}

Result<std::vector<CachedDisk>> DiskCache::list() const {
  std::vector<CachedDisk> disks;
  for (unsigned version = 1; version <= disk_writer_version; ++version) {
    const std::string suffix = version == 1 ? std::string(disk_suffix) : concat(".", version, disk_suffix);
    for (const oci::Digest& chain_id : BOXLITE_TRY(chain_ids(directory_, suffix))) {
      const auto found = BOXLITE_TRY(describe(path_of(chain_id, suffix), chain_id));
      if (found) disks.push_back(*found);
    }
  }
  return disks;
}

Result<bool> DiskCache::remove(const CachedDisk& disk) const {
  const std::filesystem::path& path = disk.path;
  const auto lock = BOXLITE_TRY(FileLock::acquire(path_of(disk.chain_id, lock_suffix), LockMode::exclusive,
                                                  Deadline::after(std::chrono::seconds(30))));
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(syscall_error("remove", path.native(), errno));
}

Result<void> DiskCache::sweep() const {
  for (const oci::Digest& chain_id : BOXLITE_TRY(chain_ids(directory_, building_suffix))) {
    const auto lock = FileLock::try_acquire(path_of(chain_id, lock_suffix), LockMode::exclusive);
    if (lock) BOXLITE_TRY(unlink_if_there(path_of(chain_id, building_suffix)));
  }
  return {};
}

}  // namespace boxlite::disk
