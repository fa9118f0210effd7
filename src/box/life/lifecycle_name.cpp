// SPDX-License-Identifier: Apache-2.0
// The name of a box, which nothing but people depends on.
#include <utility>

#include "base/files.h"
#include "box/life/announcement.h"
#include "box/life/lifecycle.h"
#include "box/shim_call.h"
#include "box/spec/spec_check.h"
#include "shimlink/shim_process.h"

namespace boxlite::box {
namespace {

// A shim that lives writes the name into its events; the next one gets it from the record. One that cannot
// answer writes none either.
void tell_name(Surroundings& around, const BoxPaths& paths, std::string_view name) {
  const auto is_alive = shimlink::is_shim_alive(paths.directory);
  if (!is_alive || !*is_alive) return;
  wire::msg::RenameBoxRequest request;
  request.set_name(std::string(name));
  (void)call_shim<wire::ShimRename>(around, paths, request);
}

}  // namespace

Result<void> Lifecycle::rename(std::string_view new_name) {
  if (new_name.empty()) return fail(ErrorCode::invalid_argument, "the new name is empty");
  BOXLITE_TRY(check_box_name(new_name));
  BOXLITE_TRY(around_.boxes().get(id_));
  const auto held = BOXLITE_TRY(lock(Deadline::after(lock_limit)));
  auto record = around_.boxes().get(id_);
  // Removed meanwhile; what lock() made must go again.
  if (!record && record.error().code() == ErrorCode::not_found) (void)remove_tree(paths_.directory);
  if (!record) return std::unexpected(std::move(record).error());
  if (record->name == new_name) return {};
  BOXLITE_TRY(around_.boxes().set_name(id_, new_name));
  tell_name(around_, paths_, new_name);
  auto old_name = std::exchange(record->name, std::string(new_name));
  announce(around_, *record, journal::event_type::rename, {{"old_name", std::move(old_name)}});
  return {};
}

}  // namespace boxlite::box
