// SPDX-License-Identifier: Apache-2.0
// What opening a home repairs. Nothing here may keep the home from being opened: a box that cannot be
// repaired says so when it is used.
#include "base/concat.h"
#include "base/files.h"
#include "box/life/lifecycle.h"
#include "local/home/occupied_space.h"
#include "local/local_runtime.h"
#include "shimlink/ready_machines.h"

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
  shimlink::ReadyMachines(home()).remove_leftovers();
  volumes_->remove_leftovers();
}

// A row is made before a box's directory and goes before it: a directory without a row belongs to nobody.
std::vector<std::string> LocalRuntime::leftovers() const {
  std::vector<std::string> ids;
  for (const auto& entry : entries_of(home_.boxes())) {
    auto id = entry.filename().native();
    const auto record = boxes_->get(id);
    if (!record && record.error().code() == ErrorCode::not_found) ids.push_back(std::move(id));
  }
  return ids;
}

void LocalRuntime::remove_leftovers() {
  for (const auto& id : leftovers()) {
    const auto removed = box::Lifecycle(*this, id).remove_leftover();
    if (!removed) log(LogLevel::warn, concat("remove leftover of box ", id, ": ", removed.error().message()));
  }
}

Result<PruneReport> LocalRuntime::collect_garbage(const PruneOptions& options) {
  auto report = BOXLITE_TRY_CONTEXT("collect garbage", images_->prune(options));
  // Only what has gone: somebody may be at it, or start the box this moment.
  const auto collect = [&](std::string_view what, const std::string& id, auto remove) -> Result<void> {
    const auto directory = home_.boxes() / id;
    const auto bytes = occupied_bytes_below(directory);
    if (!options.dry_run) {
      BOXLITE_TRY(remove(box::Lifecycle(*this, id)));
      if (boxes_->get(id) || is_there(directory)) return {};
    }
    report.removed.push_back(concat(what, " ", id));
    report.freed_bytes += bytes;
    return {};
  };
  for (const auto& id : leftovers())
    BOXLITE_TRY(collect("leftover of box", id, [](auto box) { return box.remove_leftover(); }));
  for (const auto& record : BOXLITE_TRY(boxes_->list())) {
    const auto is_due = box::Lifecycle(*this, record.id).is_due();
    if (!is_due || !*is_due) continue;
    BOXLITE_TRY(collect("box", record.id, [](auto box) { return box.recover(); }));
  }
  return report;
}

}  // namespace boxlite::local
