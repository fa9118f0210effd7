// SPDX-License-Identifier: Apache-2.0
// Folders that come and go while the box runs.
#include <chrono>
#include <memory>
#include <utility>

#include "base/concat.h"
#include "shim/roles/shim.h"

namespace boxlite::shim {
namespace {

constexpr std::chrono::seconds unmount_patience(5);

}  // namespace

void Shim::attach_folder(const ShimCall& call) {
  if (!is_up() || life_->is_paused)
    return mux_->answer(call, Error(ErrorCode::invalid_state, "the box is not up"));
  const auto request = wire::parse<wire::msg::AttachFolderRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  const auto mount = folders_->attach({.host_path = request->host_path(),
                                       .box_path = request->box_path(),
                                       .is_volume = request->is_volume(),
                                       .is_read_only = request->read_only()});
  if (!mount) return mux_->answer(call, mount.error());
  wire::msg::AddFolderRequest add;
  *add.mutable_mount() = *mount;
  mux_->call<wire::FoldersAdd>(add, [this, call](Result<wire::msg::AddFolderResponse> response) {
    if (response) return mux_->answer(call, wire::msg::AttachFolderResponse());
    const auto why = folders_->explain(response.error());
    wire::msg::AttachFolderRequest failed;
    failed.ParseFromString(call.payload);
    (void)folders_->detach(failed.box_path());
    mux_->answer(call, why);
  });
}

void Shim::detach_folder(const ShimCall& call) {
  if (!is_up() || life_->is_paused)
    return mux_->answer(call, Error(ErrorCode::invalid_state, "the box is not up"));
  const auto request = wire::parse<wire::msg::DetachFolderRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  const auto path = request->box_path();
  if (!folders_->has(path)) {
    return mux_->answer(call, Error(ErrorCode::not_found, concat("no folder at ", in_quotes(path))));
  }
  wire::msg::RemoveFolderRequest remove;
  remove.set_target(path);
  // What the guest cannot unmount, or says nothing of, goes away underneath it all the same.
  auto is_gone = std::make_shared<bool>(false);
  auto limit =
      std::make_shared<linux_::EventLoop::Timer>(loop_->after(unmount_patience, [this, path, is_gone] {
        *is_gone = true;
        (void)folders_->detach(path);
      }));
  mux_->call<wire::FoldersRemove>(remove,
                                  [this, call, path, is_gone, limit = std::move(limit)](auto response) {
                                    limit->reset();
                                    const auto detached = *is_gone ? Result<void>() : folders_->detach(path);
                                    if (!response) return mux_->answer(call, response.error());
                                    if (!detached) return mux_->answer(call, detached.error());
                                    mux_->answer(call, wire::msg::DetachFolderResponse());
                                  });
}

}  // namespace boxlite::shim
