// SPDX-License-Identifier: Apache-2.0
// What a home takes of its disk, and the removal of boxes that are done.
#include "base/concat.h"
#include "box/life/lifecycle.h"
#include "box/life/status.h"
#include "box/spec/spec_json.h"
#include "local/home/occupied_space.h"
#include "local/local_runtime.h"

namespace boxlite::local {
namespace {

bool is_done(const store::BoxRecord& record) {
  const auto status = box::parse_status(record.state.status);
  return status == BoxStatus::stopped || status == BoxStatus::failed;
}

// container.log, console.log and what was rotated away from them.
bool is_log(const std::filesystem::path& file) {
  return file.filename().native().find(".log") != std::string::npos;
}

void add(SpaceUse& use, std::uint64_t bytes, bool is_active) {
  ++use.count;
  use.bytes += bytes;
  if (is_active)
    ++use.active;
  else
    use.reclaimable_bytes += bytes;
}

void add_box(DiskUsage& usage, const std::filesystem::path& directory, bool is_active) {
  std::uint64_t rest = 0;
  visit_occupied(directory, [&](const std::filesystem::path& entry, std::uint64_t bytes) {
    if (is_log(entry))
      add(usage.logs, bytes, is_active);
    else
      rest += bytes;
  });
  add(usage.boxes, rest, is_active);
}

// Gone, or in use again: nothing to remove, and no failure.
bool has_escaped(const Error& error) {
  return error.code() == ErrorCode::not_found || error.code() == ErrorCode::invalid_state;
}

}  // namespace

Result<PruneReport> LocalRuntime::prune_boxes(const BoxPruneOptions& options) {
  PruneReport report;
  for (const auto& listed : BOXLITE_TRY(boxes_->list())) {
    box::Lifecycle lifecycle(*this, listed.id);
    const auto record = lifecycle.look();
    if (!record && record.error().code() == ErrorCode::not_found) continue;
    if (!record) return std::unexpected(record.error());
    if (!is_done(*record)) continue;
    const auto bytes = occupied_bytes_below(lifecycle.paths().directory);
    if (!options.dry_run) {
      const auto removed = lifecycle.remove(false);
      if (!removed && has_escaped(removed.error())) continue;
      if (!removed) return fail(Error(removed.error()).context(concat("remove box ", listed.id)));
      const auto spec = box::parse_box_spec(record->spec);
      if (spec && options.volumes) drop_volumes(spec->mounts);
    }
    report.removed.push_back(listed.id);
    report.freed_bytes += bytes;
  }
  return report;
}

Result<DiskUsage> LocalRuntime::disk_usage() {
  DiskUsage usage;
  BOXLITE_TRY(images_->add_usage(usage.images, usage.disks));
  for (const auto& listed : BOXLITE_TRY(boxes_->list())) {
    box::Lifecycle lifecycle(*this, listed.id);
    const auto record = lifecycle.look();
    if (!record && record.error().code() == ErrorCode::not_found) continue;
    if (!record) return std::unexpected(record.error());
    add_box(usage, lifecycle.paths().directory, !is_done(*record));
  }
  for (const auto& volume : BOXLITE_TRY(volumes_->list()))
    add(usage.volumes, occupied_bytes_below(volume.directory.parent_path()), !volume.used_by.empty());
  return usage;
}

}  // namespace boxlite::local
