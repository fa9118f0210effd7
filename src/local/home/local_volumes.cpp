// SPDX-License-Identifier: Apache-2.0
#include "local/home/local_volumes.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/reserve.h"
#include "base/time.h"
#include "box/spec/mounts.h"
#include "box/spec/spec_json.h"
#include "linux/files/file_lock.h"

namespace boxlite::local {
namespace {

constexpr std::string_view trash_prefix = ".removed-";
constexpr std::chrono::seconds lock_limit{60};

std::string made_up_name() {
  static constexpr char digits[] = "0123456789abcdef";
  std::string name;
  for (const char c : random_bytes(32)) {
    const auto byte = static_cast<unsigned char>(c);
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

bool names(const Mount& mount, std::string_view volume) {
  return mount.type == MountType::volume && mount.source == volume;
}

// As Docker makes it: services run as other users than root, and theirs lies below. The mode is told without
// the caller's umask; other users of the host are kept out by the directory above.
Result<void> make_content(const std::filesystem::path& data) {
  constexpr mode_t mode = 0755;
  if (::mkdir(data.c_str(), mode) == 0) {
    if (::chmod(data.c_str(), mode) == 0) return {};
    return fail(syscall_error("chmod", data.native(), errno));
  }
  if (errno == EEXIST) return {};
  return fail(syscall_error("mkdir", data.native(), errno));
}

Result<linux_::FileLock> lock(const std::filesystem::path& directory) {
  return linux_::FileLock::acquire(directory / ".lock", linux_::LockMode::exclusive,
                                   Deadline::after(lock_limit));
}

}  // namespace

Result<std::unique_ptr<LocalVolumes>> LocalVolumes::open(const Home& home, store::BoxTable& boxes) {
  auto table = BOXLITE_TRY(store::VolumeTable::open(home.database()));
  return std::unique_ptr<LocalVolumes>(new LocalVolumes(home.volumes(), boxes, std::move(table)));
}

LocalVolumes::LocalVolumes(std::filesystem::path directory, store::BoxTable& boxes, store::VolumeTable table)
    : directory_(std::move(directory)), boxes_(boxes), table_(std::move(table)) {}

Result<void> LocalVolumes::make(const store::VolumeRecord& record) {
  const auto held = BOXLITE_TRY(lock(directory_));
  BOXLITE_TRY(table_.insert(record));
  BOXLITE_TRY(make_directories(directory_ / record.name));
  return make_content(directory_ / record.name / "data");
}

Result<std::vector<std::string>> LocalVolumes::users_of(std::string_view name) {
  std::vector<std::string> users;
  for (const auto& box : BOXLITE_TRY(boxes_.list())) {
    const auto spec = BOXLITE_TRY(box::parse_box_spec(box.spec));
    const bool uses =
        std::ranges::any_of(spec.mounts, [&](const Mount& mount) { return names(mount, name); });
    if (uses) users.push_back(box.id);
  }
  return users;
}

Result<VolumeInfo> LocalVolumes::facts(const store::VolumeRecord& record) {
  auto users = BOXLITE_TRY(users_of(record.name));
  return VolumeInfo{.name = record.name,
                    .created_at = record.created_at,
                    .is_anonymous = record.is_anonymous,
                    .directory = directory_ / record.name / "data",
                    .used_by = std::move(users)};
}

Result<VolumeInfo> LocalVolumes::create(std::string_view name) {
  const auto chosen = name.empty() ? made_up_name() : std::string(name);
  BOXLITE_TRY_CONTEXT("create volume", box::check_volume_name(chosen));
  const store::VolumeRecord record{
      .name = chosen, .created_at = to_rfc3339(now()), .is_anonymous = name.empty()};
  BOXLITE_TRY_CONTEXT(concat("create volume ", in_quotes(chosen)), make(record));
  return get(chosen);
}

Result<VolumeInfo> LocalVolumes::get(std::string_view name) {
  return facts(BOXLITE_TRY(table_.get(name)));
}

Result<std::vector<VolumeInfo>> LocalVolumes::list() {
  std::vector<VolumeInfo> found;
  for (const auto& record : BOXLITE_TRY(table_.list())) found.push_back(BOXLITE_TRY(facts(record)));
  return found;
}

// Out of the way in one step, so that no process ever sees half of it.
Result<void> LocalVolumes::erase(std::string_view name) {
  const auto trash = directory_ / concat(trash_prefix, new_id());
  if (std::rename((directory_ / name).c_str(), trash.c_str()) != 0 && errno != ENOENT)
    return fail(syscall_error("rename", (directory_ / name).native(), errno));
  BOXLITE_TRY(with_reserve(directory_.parent_path(), [&] { return table_.erase(name); }));
  return remove_tree(trash);
}

Result<void> LocalVolumes::remove(std::string_view name) {
  const auto what = concat("remove volume ", in_quotes(name));
  BOXLITE_TRY_CONTEXT(what, table_.get(name));
  const auto held = BOXLITE_TRY(lock(directory_));
  const auto users = BOXLITE_TRY(users_of(name));
  if (!users.empty()) {
    return fail(Error(ErrorCode::invalid_state, concat(what, ": box ", join(users, ", box "), " uses it"))
                    .with_remedy("remove the box first, or detach the volume from it"));
  }
  BOXLITE_TRY_CONTEXT(what, erase(name));
  return {};
}

Result<std::vector<std::string>> LocalVolumes::prune(const VolumePruneOptions& options) {
  const auto held = BOXLITE_TRY(lock(directory_));
  std::vector<std::string> removed;
  for (const auto& record : BOXLITE_TRY(table_.list())) {
    if (!options.all && !record.is_anonymous) continue;
    const auto users = BOXLITE_TRY(users_of(record.name));
    if (!users.empty()) continue;
    BOXLITE_TRY_CONTEXT(concat("remove volume ", in_quotes(record.name)), erase(record.name));
    removed.push_back(record.name);
  }
  return removed;
}

void LocalVolumes::name_anonymous(std::vector<Mount>& mounts) {
  for (auto& mount : mounts) {
    if (mount.type != MountType::volume || !mount.source.empty()) continue;
    mount.source = made_up_name();
    mount.is_anonymous = true;
  }
}

Result<void> LocalVolumes::require(const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) {
    if (mount.type != MountType::volume) continue;
    BOXLITE_TRY_CONTEXT(
        concat("create volume ", in_quotes(mount.source)),
        make({.name = mount.source, .created_at = to_rfc3339(now()), .is_anonymous = mount.is_anonymous}));
  }
  return {};
}

Result<void> LocalVolumes::drop_anonymous(const std::vector<Mount>& mounts) {
  for (const auto& mount : mounts) {
    if (mount.type != MountType::volume || !mount.is_anonymous) continue;
    const auto held = BOXLITE_TRY(lock(directory_));
    const auto users = BOXLITE_TRY(users_of(mount.source));
    if (users.empty()) BOXLITE_TRY(erase(mount.source));
  }
  return {};
}

void LocalVolumes::remove_leftovers() const {
  for (const auto& entry : entries_of(directory_)) {
    if (entry.filename().native().starts_with(trash_prefix)) (void)remove_tree(entry);
  }
}

}  // namespace boxlite::local
