// SPDX-License-Identifier: Apache-2.0
#include "memory_runtime.h"

#include <algorithm>
#include <cstdlib>
#include <ranges>
#include <utility>

#include "base/concat.h"
#include "box/spec/spec_check.h"

namespace boxlite::test {
namespace {

std::unexpected<Error> no_box(std::string_view id_or_name) {
  return fail(ErrorCode::not_found, concat("no box ", in_quotes(id_or_name)));
}

}  // namespace

bool MemoryRuntime::is_taken_locked(std::string_view name) const {
  return !name.empty() && std::ranges::any_of(boxes_, [&](const auto& box) { return box->name() == name; });
}

Result<std::shared_ptr<MemoryBox>> MemoryRuntime::create_locked(const BoxSpec& spec) {
  if (is_closed_) return fail(ErrorCode::stopped, "the runtime was closed");
  BOXLITE_TRY(box::check(spec));
  if (is_taken_locked(spec.name))
    return fail(ErrorCode::already_exists, concat("name ", in_quotes(spec.name)));
  boxes_.push_back(std::make_shared<MemoryBox>(spec));
  return boxes_.back();
}

Result<std::shared_ptr<MemoryBox>> MemoryRuntime::find_locked(std::string_view id_or_name) const {
  std::vector<std::shared_ptr<MemoryBox>> found;
  for (const auto& box : boxes_) {
    if (box->id() == id_or_name || box->name() == id_or_name) return box;
    if (!id_or_name.empty() && box->id().starts_with(id_or_name)) found.push_back(box);
  }
  if (found.empty()) return no_box(id_or_name);
  if (found.size() > 1)
    return fail(ErrorCode::invalid_argument, concat(in_quotes(id_or_name), " is ambiguous"));
  return found.front();
}

Result<std::shared_ptr<backend::Box>> MemoryRuntime::create(const BoxSpec& spec, const CreateOptions&,
                                                            const CallOptions&) {
  const std::lock_guard lock(mutex_);
  return create_locked(spec);
}

Result<std::shared_ptr<backend::Box>> MemoryRuntime::get(std::string_view id_or_name) {
  const std::lock_guard lock(mutex_);
  return find_locked(id_or_name);
}

Result<MemoryRuntime::Obtained> MemoryRuntime::get_or_create(const BoxSpec& spec) {
  if (spec.name.empty()) return fail(ErrorCode::invalid_argument, "get or create box: it has no name");
  const std::lock_guard lock(mutex_);
  if (is_taken_locked(spec.name)) return Obtained{BOXLITE_TRY(find_locked(spec.name)), false};
  return Obtained{BOXLITE_TRY(create_locked(spec)), true};
}

Result<std::vector<BoxInfo>> MemoryRuntime::list(const ListOptions& options) {
  const std::lock_guard lock(mutex_);
  std::vector<BoxInfo> infos;
  for (const auto& box : boxes_ | std::views::reverse) {
    auto info = BOXLITE_TRY(box->info());
    if (options.all || info.status == BoxStatus::running) infos.push_back(std::move(info));
  }
  return infos;
}

Result<void> MemoryRuntime::remove(std::string_view id_or_name, const RemoveOptions& options) {
  const std::lock_guard lock(mutex_);
  const auto box = BOXLITE_TRY(find_locked(id_or_name));
  BOXLITE_TRY(box->remove(options.force));
  std::erase(boxes_, box);
  return {};
}

Result<void> MemoryRuntime::rename(std::string_view id_or_name, std::string_view new_name) {
  const std::lock_guard lock(mutex_);
  const auto box = BOXLITE_TRY(find_locked(id_or_name));
  if (new_name.empty()) return fail(ErrorCode::invalid_argument, "rename box: the new name is empty");
  BOXLITE_TRY(box::check_box_name(new_name));
  if (is_taken_locked(new_name)) return fail(ErrorCode::already_exists, concat("name ", in_quotes(new_name)));
  box->rename(new_name);
  return {};
}

Result<PruneReport> MemoryRuntime::prune_boxes(const BoxPruneOptions& options) {
  const std::lock_guard lock(mutex_);
  PruneReport report;
  for (const auto& box : std::vector(boxes_)) {
    if (BOXLITE_TRY(box->info()).status != BoxStatus::stopped) continue;
    report.removed.push_back(box->id());
    if (options.dry_run) continue;
    BOXLITE_TRY(box->remove(false));
    std::erase(boxes_, box);
  }
  return report;
}

Result<DiskUsage> MemoryRuntime::disk_usage() {
  return not_in_memory();
}
Result<PruneReport> MemoryRuntime::collect_garbage(const PruneOptions&) {
  return not_in_memory();
}
Result<void> MemoryRuntime::warm(const BoxSpec&, const WarmOptions&, const CallOptions&) {
  return not_in_memory();
}
Result<void> MemoryRuntime::keep_ready(const BoxSpec&, unsigned, const WarmOptions&, const CallOptions&) {
  return not_in_memory();
}
Result<std::vector<SavedMachine>> MemoryRuntime::saved_machines() {
  return not_in_memory();
}
Result<PruneReport> MemoryRuntime::prune_saved_machines(const PruneOptions&) {
  return not_in_memory();
}
Result<std::shared_ptr<backend::EventReader>> MemoryRuntime::events(const EventOptions&) {
  return not_in_memory();
}
Result<RuntimeMetrics> MemoryRuntime::metrics() {
  return not_in_memory();
}
Result<HostReport> MemoryRuntime::check_host() {
  return not_in_memory();
}

Result<void> MemoryRuntime::close(const CallOptions&) {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  for (const auto& box : boxes_) BOXLITE_TRY(box->stop({}, {}));
  return {};
}

// Asked by no test.
backend::Images& MemoryRuntime::images() {
  std::abort();
}
backend::Volumes& MemoryRuntime::volumes() {
  std::abort();
}

}  // namespace boxlite::test
