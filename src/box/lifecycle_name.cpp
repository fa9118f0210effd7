// SPDX-License-Identifier: Apache-2.0
// The name of a box, which nothing but people depends on.
#include <utility>

#include "base/files.h"
#include "box/announcement.h"
#include "box/lifecycle.h"
#include "box/spec_check.h"

namespace boxlite::box {
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
  auto old_name = std::exchange(record->name, std::string(new_name));
  announce(around_, *record, store::event_type::rename, {{"old_name", std::move(old_name)}});
  return {};
}

}  // namespace boxlite::box
