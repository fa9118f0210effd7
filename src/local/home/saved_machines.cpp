// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/concat.h"
#include "base/ids.h"
#include "base/time.h"
#include "box/life/lifecycle.h"
#include "box/life/start_plan.h"
#include "box/spec/spec_json.h"
#include "local/local_runtime.h"
#include "shimlink/ready_machines.h"
#include "snapshot/template_shelf.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_ready_machines = 64;
constexpr std::size_t most_recent_kinds = 8;
constexpr std::chrono::milliseconds ready_limit = 120s;

SavedMachine public_entry(const snapshot::TemplateEntry& entry, const shimlink::ReadyMachines& ready) {
  return {.id = entry.shape,
          .has_image = entry.has_image,
          .is_frozen = entry.is_warm,
          .used_at = to_rfc3339(entry.used_at),
          .bytes = entry.bytes,
          .ready = ready.count(entry.shape)};
}

// What two boxes that can go on from one machine have in common.
std::string kind_of(const BoxSpec& spec) {
  BoxSpec kind{.image = spec.image, .platform = spec.platform, .cpus = spec.cpus};
  kind.memory_mib = spec.memory_mib;
  kind.disk_size_gib = spec.disk_size_gib;
  kind.privileged = spec.privileged;
  kind.systemd = spec.systemd;
  return box::to_json(kind);
}

}  // namespace

// By a start: what comes out of it has been seen to work.
Result<void> LocalRuntime::warm(const BoxSpec& spec, const WarmOptions& options, const CallOptions& call) {
  auto trial = spec;
  trial.name.clear();
  trial.auto_remove = true;
  trial.restart = {};
  trial.mounts.clear();
  // For a box with a job, maintenance starts the machine without it.
  trial.entrypoint.reset();
  trial.command = {"true"};
  const auto box = BOXLITE_TRY(create(trial, {.pull = options.pull, .start_follows = true}, call));
  box::Lifecycle lifecycle(*this, box->id());
  const box::Call limits(loop(), call);
  auto started = lifecycle.start(box::Lifecycle::StartMode::maintenance, limits);
  auto removed = lifecycle.remove(true);
  forget_intention(box->id());
  if (!started) return fail(std::move(started).error().context("warm up"));
  // The keeper of its shim may have been quicker.
  if (!removed && removed.error().code() == ErrorCode::not_found) return {};
  return removed;
}

Result<void> LocalRuntime::keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options,
                                      const CallOptions& call) {
  if (count > most_ready_machines) {
    return fail(ErrorCode::invalid_argument,
                concat("keep ", count, " machines ready: ", most_ready_machines, " are the most"));
  }
  if (count > 0) BOXLITE_TRY(warm(like, options, call));
  const auto kind = kind_of(like);
  ready_keeper_.keep(kind, like, count);
  return ready_keeper_.wait_ready(kind, box::deadline_of(call).within(ready_limit));
}

void LocalRuntime::note_first_start(const BoxSpec& spec) {
  if (options_.ready_machines == 0) return;
  const auto kind = kind_of(spec);
  const std::lock_guard lock(mutex_);
  const bool is_known = std::erase(recent_kinds_, kind) > 0;
  recent_kinds_.push_back(kind);
  if (is_known) return;
  ready_keeper_.keep(kind, spec, std::min(options_.ready_machines, most_ready_machines));
  if (recent_kinds_.size() <= most_recent_kinds) return;
  ready_keeper_.keep(recent_kinds_.front(), spec, 0);
  recent_kinds_.erase(recent_kinds_.begin());
}

Result<shimlink::AddedMachine> LocalRuntime::add_ready_machine(const BoxSpec& like) {
  store::BoxRecord nobody;
  nobody.id = new_id();
  const box::Call call;
  box::StartPlan plan(*this, nobody, like, call, box::MainStart::none);
  BOXLITE_TRY(plan.prepare());
  return plan.add_ready_machine();
}

Result<std::vector<SavedMachine>> LocalRuntime::saved_machines() {
  std::vector<SavedMachine> machines;
  const shimlink::ReadyMachines ready(home());
  for (const auto& entry : BOXLITE_TRY(snapshot::TemplateShelf(home()).list()))
    machines.push_back(public_entry(entry, ready));
  return machines;
}

Result<PruneReport> LocalRuntime::prune_saved_machines(const PruneOptions& options) {
  snapshot::TemplateShelf shelf(home());
  PruneReport report;
  for (const auto& entry : BOXLITE_TRY(options.dry_run ? shelf.list() : shelf.prune(0))) {
    report.removed.push_back(entry.shape);
    report.freed_bytes += entry.bytes;
  }
  return report;
}

}  // namespace boxlite::local
