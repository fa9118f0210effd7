// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"
#include "box/lifecycle.h"
#include "runtime/local/local_runtime.h"
#include "vmm/template_shelf.h"

namespace boxlite::local {
namespace {

SavedMachine public_entry(const vmm::TemplateEntry& entry) {
  return {.id = entry.shape,
          .has_image = entry.has_image,
          .used_at = to_rfc3339(entry.used_at),
          .bytes = entry.bytes};
}

}  // namespace

// By a start: what comes out of it has been seen to work.
Result<void> LocalRuntime::warm(const BoxSpec& spec, const ProgressCallback& progress) {
  auto trial = spec;
  trial.name.clear();
  trial.auto_remove = true;
  trial.restart = {};
  trial.mounts.clear();
  // For a box with a job, maintenance starts the machine without it.
  trial.entrypoint.reset();
  trial.command = {"true"};
  const auto box = BOXLITE_TRY(create(trial));
  box::Lifecycle lifecycle(*this, box.id());
  auto started = lifecycle.start(box::Lifecycle::StartMode::maintenance, progress);
  auto removed = lifecycle.remove(true);
  if (!started) return fail(std::move(started).error().context("warm up"));
  return removed;
}

Result<std::vector<SavedMachine>> LocalRuntime::saved_machines() {
  std::vector<SavedMachine> machines;
  for (const auto& entry : BOXLITE_TRY(vmm::TemplateShelf(home()).list()))
    machines.push_back(public_entry(entry));
  return machines;
}

Result<PruneReport> LocalRuntime::prune_saved_machines(const PruneOptions& options) {
  vmm::TemplateShelf shelf(home());
  PruneReport report;
  for (const auto& entry : BOXLITE_TRY(options.dry_run ? shelf.list() : shelf.prune(0))) {
    report.removed.push_back(entry.shape);
    report.freed_bytes += entry.bytes;
  }
  return report;
}

}  // namespace boxlite::local
