// SPDX-License-Identifier: Apache-2.0
// Mounts that come and go after a box was created.
#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "box/life/lifecycle.h"
#include "box/shim_call.h"
#include "box/spec/mounts.h"

namespace boxlite::box {
namespace {

// Made with the container, and for as long as it.
bool is_fixed(const Mount& mount) {
  return mount.type == MountType::tmpfs || mount.type == MountType::socket;
}

bool is_at(const Mount& mount, std::string_view place) {
  return tidy_box_path(mount.target) == place;
}

}  // namespace

Result<void> Lifecycle::attach_now(const Mount& mount) {
  const auto folder = BOXLITE_TRY(folder_of(mount, around_.home() / "volumes"));
  wire::msg::AttachFolderRequest request;
  request.set_host_path(folder.host_path.native());
  request.set_box_path(folder.box_path);
  request.set_read_only(folder.is_read_only);
  request.set_is_volume(folder.is_volume);
  BOXLITE_TRY(call_shim<wire::ShimAttachFolder>(around_, paths_, request));
  return {};
}

Result<void> Lifecycle::detach_now(std::string_view place) {
  wire::msg::DetachFolderRequest request;
  request.set_box_path(std::string(place));
  auto detached = call_shim<wire::ShimDetachFolder>(around_, paths_, request);
  // The spec may be ahead of the machine: the process that attached it was killed in between.
  if (!detached && detached.error().code() == ErrorCode::not_found) return {};
  BOXLITE_TRY(std::move(detached));
  return {};
}

// The machine first: what is recorded has worked. A caller that is killed in between leaves a mount that ends
// with the machine.
Result<void> Lifecycle::add_mount(const Mount& wanted) {
  BOXLITE_TRY(check(wanted));
  std::vector<Mount> named{wanted};
  const auto distrusted = BOXLITE_TRY(writable_folders(around_.boxes()));
  BOXLITE_TRY(follow_symlinks(named, distrusted));
  const auto& mount = named.front();
  auto edit = BOXLITE_TRY(this->edit());
  auto& spec = edit.spec();
  const auto place = tidy_box_path(mount.target);
  if (std::ranges::any_of(spec.mounts, [&](const Mount& other) { return is_at(other, place); })) {
    return fail(Error(ErrorCode::already_exists, concat("the box has a mount at ", in_quotes(place)))
                    .with_remedy("detach it first, or choose another place"));
  }
  spec.mounts.push_back(mount);
  BOXLITE_TRY(check(spec.mounts));
  if (edit.is_running() && is_fixed(mount)) {
    return fail(Error(ErrorCode::invalid_state, "a tmpfs or a socket cannot be mounted while the box runs")
                    .with_remedy("stop the box first"));
  }
  if (mount.type == MountType::bind) BOXLITE_TRY(folder_of(mount, {}));
  BOXLITE_TRY(around_.require_volumes({mount}));
  if (edit.is_running()) BOXLITE_TRY(attach_now(mount));
  auto recorded = edit.record();
  if (!recorded && edit.is_running()) (void)detach_now(place);
  return recorded;
}

Result<void> Lifecycle::remove_mount(std::string_view target) {
  auto edit = BOXLITE_TRY(this->edit());
  auto& spec = edit.spec();
  const auto place = tidy_box_path(target);
  const auto found =
      std::ranges::find_if(spec.mounts, [&](const Mount& mount) { return is_at(mount, place); });
  if (found == spec.mounts.end())
    return fail(ErrorCode::not_found, concat("the box has no mount at ", in_quotes(place)));
  if (edit.is_running() && is_fixed(*found)) {
    return fail(Error(ErrorCode::invalid_state, "a tmpfs or a socket cannot be unmounted while the box runs")
                    .with_remedy("stop the box first"));
  }
  spec.mounts.erase(found);
  // The record first: a mount that is gone from it does not come back.
  BOXLITE_TRY(edit.record());
  if (edit.is_running()) BOXLITE_TRY(detach_now(place));
  return {};
}

}  // namespace boxlite::box
