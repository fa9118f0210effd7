// SPDX-License-Identifier: Apache-2.0
// What opening a home repairs. Nothing here may keep the home from being opened: a box that cannot be
// repaired says so when it is used.
#include "base/concat.h"
#include "base/files.h"
#include "box/lifecycle.h"
#include "runtime/local/local_runtime.h"

namespace boxlite::local {

void LocalRuntime::recover() {
  const auto records = boxes_->list();
  if (!records) return log(LogLevel::warn, concat("recover the home: ", records.error().message()));
  for (const auto& record : *records) {
    const auto repaired = box::Lifecycle(*this, record.id).recover();
    if (!repaired && repaired.error().code() != ErrorCode::not_found) {
      log(LogLevel::warn, concat("recover box ", record.id, ": ", repaired.error().message()));
    }
  }
  remove_leftovers();
  volumes_->remove_leftovers();
}

// A row is made before a box's directory and goes before it: a directory without a row belongs to nobody.
void LocalRuntime::remove_leftovers() {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(home_.boxes(), failed)) {
    const auto id = entry.path().filename().native();
    const auto record = boxes_->get(id);
    if (record || record.error().code() != ErrorCode::not_found) continue;
    const auto removed = box::Lifecycle(*this, id).remove_leftover();
    if (!removed) log(LogLevel::warn, concat("remove leftover of box ", id, ": ", removed.error().message()));
  }
}

}  // namespace boxlite::local
