// SPDX-License-Identifier: Apache-2.0
#include "shim/session/folders.h"

#include <algorithm>

#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "fileserver/nodes/folder_name.h"
#include "fileserver/program.h"
#include "jail/namespaces.h"
#include "wire/folder_orders.h"

namespace boxlite::shim {
namespace {

bool is_outer(const wire::msg::Mount& left, const wire::msg::Mount& right) {
  return std::ranges::count(left.target(), '/') < std::ranges::count(right.target(), '/');
}

std::string describe(const shimlink::Folder& folder) {
  return concat("share ", in_quotes(folder.host_path.native()));
}

}  // namespace

Result<Folders> Folders::prepare(const shimlink::ShimConfig& config) {
  Folders folders;
  folders.program_ = config.fileserver;
  folders.owner_ = config.folder_owner;
  BOXLITE_TRY(make_directories(config.box_dir / shimlink::folders_dir_name));
  if (auto created = folders.create_place(config); !created) {
    auto error = std::move(created).error();
    if (!config.folders.empty()) return fail(std::move(error).context(describe(config.folders.front())));
    folders.place_.reset();
    folders.why_none_ = std::move(error);
  }
  jail::hide_process();
  for (const auto& folder : config.folders) BOXLITE_TRY(folders.attach(folder));
  return folders;
}

Result<void> Folders::create_place(const shimlink::ShimConfig& config) {
  BOXLITE_TRY(jail::enter_own_namespaces());
  place_ = BOXLITE_TRY(jail::SharedFolders::create(config.box_dir / shimlink::folders_dir_name));
  return {};
}

Result<void> Folders::serve(UniqueFd channel) {
  server_.reset();
  channel_ = std::move(channel);
  return entries_.empty() ? Result<void>() : start_server();
}

Result<void> Folders::start_server() {
  if (!channel_.is_open()) return {};
  const linux_::ChildSpec child{.program = program_,
                                .fds = {{STDERR_FILENO, STDERR_FILENO},
                                        {channel_.get(), fileserver::channel_fd},
                                        {place_->root_fd(), fileserver::folders_fd}},
                                .die_with_parent = true,
                                .capabilities = fileserver::starting_capabilities};
  server_.emplace(BOXLITE_TRY_CONTEXT("start the file server", linux_::ChildProcess::spawn(child)));
  channel_.reset();
  return {};
}

fileserver::FolderRules Folders::rules_of(const shimlink::Folder& folder) const {
  if (folder.is_volume) return {.is_volume = true};
  return {.follows_box_user = owner_.is_box_user, .uid = owner_.uid, .gid = owner_.gid};
}

wire::msg::Mount Folders::mount_of(const Entry& entry) {
  const auto& folder = entry.folder;
  wire::msg::Mount mount;
  mount.set_target(folder.box_path);
  mount.set_share(std::string(wire::folders_share));
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

Result<wire::msg::Mount> Folders::attach(const shimlink::Folder& folder) {
  if (why_none_) return fail(Error(*why_none_).context(describe(folder)));
  if (has(folder.box_path)) {
    return fail(ErrorCode::already_exists,
                concat("there is a folder at ", in_quotes(folder.box_path), " already"));
  }
  const auto source = BOXLITE_TRY_CONTEXT(describe(folder), jail::open_shareable(folder.host_path));
  Entry entry{folder, fileserver::folder_name(next_name_++, rules_of(folder))};
  // First: a folder is not shown without a server.
  BOXLITE_TRY(start_server());
  BOXLITE_TRY_CONTEXT(describe(folder), place_->attach(entry.name, source.get(), folder.is_read_only));
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
  return place_->detach(entry.name);
}

}  // namespace boxlite::shim
