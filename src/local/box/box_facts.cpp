// SPDX-License-Identifier: Apache-2.0
#include "box/life/status.h"
#include "box/spec/network.h"
#include "box/spec/spec_json.h"
#include "local/box/local_box.h"
#include "local/home/occupied_space.h"
#include "shimlink/shim_record.h"

namespace boxlite::local {
namespace {

// What changes while a machine runs is the shim's to say; the database only knows that it runs.
void overlay_shim_record(BoxInfo& facts, const box::BoxPaths& paths) {
  if (facts.status == BoxStatus::configured) return;
  const auto shim = shimlink::read_shim_record(paths.directory);
  if (!shim) return;
  facts.restart_count = shim->restart_count;
  facts.disk = {.errors = shim->disk_errors,
                .last_error = shim->disk_last_error,
                .is_read_only = shim->disk_is_read_only};
  if (facts.status != BoxStatus::running || facts.shim_pid != shim->shim.pid) return;
  facts.health = {.status = shim->health,
                  .failures = static_cast<unsigned>(shim->health_failures),
                  .last_output = shim->health_output};
  for (const auto& port : shim->ports) facts.ports.push_back(box::to_published(port));
  if (shim->phase == shimlink::ShimPhase::paused) facts.status = BoxStatus::paused;
  if (shim->phase == shimlink::ShimPhase::stopping) facts.status = BoxStatus::stopping;
  if (shim->phase == shimlink::ShimPhase::restarting) facts.status = BoxStatus::restarting;
  if (shim->restart_count == 0) return;
  facts.started_at = to_rfc3339(shim->started_at);
  facts.vmm_pid = shim->vmm_pid != 0 ? std::optional<int>(shim->vmm_pid) : std::nullopt;
}

}  // namespace

Result<BoxInfo> box_facts(const store::BoxRecord& record, const box::BoxPaths& paths) {
  const auto& state = record.state;
  BoxInfo facts;
  facts.id = record.id;
  facts.spec = BOXLITE_TRY(box::parse_box_spec(record.spec));
  facts.spec.name = record.name;
  facts.status = box::parse_status(state.status);
  facts.image_digest = record.image_digest;
  facts.created_at = record.created_at;
  facts.started_at = state.started_at;
  facts.stopped_at = state.stopped_at;
  facts.exit_code = state.exit_code;
  facts.oom_killed = state.oom_killed;
  facts.failure = state.failure;
  facts.shim_pid = state.shim_pid;
  facts.vmm_pid = state.vmm_pid;
  if (facts.status == BoxStatus::running || facts.status == BoxStatus::stopping)
    facts.accelerator = state.accelerator;
  overlay_shim_record(facts, paths);
  facts.kernel_release = state.kernel_release;
  facts.start_stages = box::parse_stages(state.stages);
  facts.disk_bytes = occupied_bytes(paths.disk());
  facts.directory = paths.directory;
  return facts;
}

}  // namespace boxlite::local
