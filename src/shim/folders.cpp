// SPDX-License-Identifier: Apache-2.0
#include "shim/folders.h"

#include <algorithm>

#include "base/concat.h"
#include "base/files.h"
#include "jail/namespaces.h"

namespace boxlite::shim {
namespace {

bool is_outer(const wire::msg::Mount& left, const wire::msg::Mount& right) {
  return std::ranges::count(left.target(), '/') < std::ranges::count(right.target(), '/');
}

std::string describe(const vmm::Folder& folder) {
  return concat("share ", in_quotes(folder.host_path.native()));
}

}  // namespace

Result<Folders> Folders::prepare(const vmm::ShimConfig& config) {
  Folders folders;
  for (const auto& share : config.machine.shares) BOXLITE_TRY(make_directories(share.path));
  if (auto created = folders.create_shares(config); !created) {
    auto error = std::move(created).error();
    if (!config.folders.empty()) return fail(std::move(error).context(describe(config.folders.front())));
    folders.folders_.reset();
    folders.volumes_.reset();
    folders.why_none_ = std::move(error);
  }
  jail::hide_process();
  for (const auto& folder : config.folders) BOXLITE_TRY(folders.attach(folder));
  return folders;
}

Result<void> Folders::create_shares(const vmm::ShimConfig& config) {
  BOXLITE_TRY(jail::enter_own_namespaces());
  folders_ = BOXLITE_TRY(jail::SharedFolders::create(config.box_dir / vmm::folders_dir_name));
  volumes_ = BOXLITE_TRY(jail::SharedFolders::create(config.box_dir / vmm::volumes_dir_name));
  return {};
}

void Folders::restrict(vmm::MachineSpec& machine) const {
  if (!why_none_) return;
  // The guest gets empty directories, which lie in the box's own on the host's disk.
  for (auto& share : machine.shares) share.is_read_only = true;
}

jail::SharedFolders& Folders::share_of(const vmm::Folder& folder) {
  return folder.is_volume ? *volumes_ : *folders_;
}

wire::msg::Mount Folders::mount_of(const Entry& entry) {
  const auto& folder = entry.folder;
  wire::msg::Mount mount;
  mount.set_target(folder.box_path);
  mount.set_share(std::string(folder.is_volume ? vmm::volumes_dir_name : vmm::folders_dir_name));
  mount.set_source(entry.name);
  mount.set_read_only(folder.is_read_only);
  mount.set_is_volume(folder.is_volume);
  mount.set_fill(folder.fill);
  return mount;
}

void Folders::add_mounts(wire::msg::ContainerSpec& container) const {
  for (const auto& entry : entries_) *container.add_mounts() = mount_of(entry);
  // Those of one depth are never inside each other.
  std::sort(container.mutable_mounts()->begin(), container.mutable_mounts()->end(), is_outer);
}

bool Folders::has(std::string_view box_path) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.folder.box_path == box_path; });
}

Error Folders::explain(Error error) const {
  for (const auto& entry : entries_) {
    if (error.message().find(in_quotes(entry.folder.box_path)) == std::string::npos) continue;
    return std::move(error).context(describe(entry.folder));
  }
  return error;
}

Result<wire::msg::Mount> Folders::attach(const vmm::Folder& folder) {
  if (why_none_) return fail(Error(*why_none_).context(describe(folder)));
  if (has(folder.box_path)) {
    return fail(ErrorCode::already_exists,
                concat("there is a folder at ", in_quotes(folder.box_path), " already"));
  }
  const auto source = BOXLITE_TRY_CONTEXT(describe(folder), jail::open_shareable(folder.host_path));
  Entry entry{folder, concat(next_name_++)};
  BOXLITE_TRY_CONTEXT(describe(folder),
                      share_of(folder).attach(entry.name, source.get(), folder.is_read_only));
  entries_.push_back(entry);
  return mount_of(entry);
}

Result<void> Folders::detach(std::string_view box_path) {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.folder.box_path == box_path; });
  if (found == entries_.end())
    return fail(ErrorCode::not_found, concat("no folder at ", in_quotes(box_path)));
  const Entry entry = std::move(*found);
  entries_.erase(found);
  return share_of(entry.folder).detach(entry.name);
}

}  // namespace boxlite::shim
