// SPDX-License-Identifier: Apache-2.0
#include "box/life/evidence.h"

#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "box/life/status.h"
#include "box/spec/spec_json.h"
#include "shimlink/shim_process.h"

namespace boxlite::box {
namespace {

constexpr std::size_t last_words_bytes = 1024;

// A record that is missing or unreadable is no record: it was written by a process that may have been killed.
template <typename T>
Result<std::optional<T>> if_there(Result<T> record) {
  if (record) return std::optional<T>(*std::move(record));
  const auto code = record.error().code();
  if (code == ErrorCode::not_found || code == ErrorCode::corrupted) return std::optional<T>();
  return std::unexpected(std::move(record).error());
}

std::string last_words(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDONLY | O_NOFOLLOW);
  struct stat status{};
  if (!file || ::fstat(file->get(), &status) != 0) return {};
  const auto from = std::max<off_t>(0, status.st_size - static_cast<off_t>(last_words_bytes));
  std::string text(last_words_bytes, '\0');
  const auto count = ::pread(file->get(), text.data(), text.size(), from);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<StartStage> start_stages(const shimlink::ShimRecord& shim) {
  std::vector<StartStage> stages;
  for (const auto& stage : shim.stages) stages.push_back({stage.name, stage.duration});
  return stages;
}

store::BoxState adopted(store::BoxState state, const Evidence& evidence, Timestamp now) {
  const auto& shim = evidence.shim;
  const bool is_known =
      state.status == name(BoxStatus::running) && (!shim || state.shim_pid == shim->shim.pid);
  if (is_known) return state;
  state.status = name(BoxStatus::running);
  state.started_at = to_rfc3339(shim ? shim->started_at : now);
  state.stopped_at.clear();
  state.failure.clear();
  state.exit_code.reset();
  state.oom_killed = false;
  state.shim_pid = shim ? std::optional<int>(shim->shim.pid) : std::nullopt;
  state.vmm_pid = shim ? std::optional<int>(shim->vmm_pid) : std::nullopt;
  state.stages = to_json(shim ? start_stages(*shim) : std::vector<StartStage>());
  return state;
}

void apply(const shimlink::ExitRecord& exit, store::BoxState& state) {
  const bool has_failed =
      exit.reason == shimlink::ExitReason::boot_failed || exit.reason == shimlink::ExitReason::vmm_failed;
  state.status = name(has_failed ? BoxStatus::failed : BoxStatus::stopped);
  state.failure = has_failed ? describe_failure(exit) : std::string();
  state.exit_code = exit.signal ? std::optional(128 + *exit.signal) : exit.exit_code;
  state.oom_killed = exit.oom_killed;
  state.stopped_at = to_rfc3339(exit.at);
}

void apply_absence(const Evidence& evidence, Timestamp now, store::BoxState& state) {
  const bool was_expected = state.status == name(BoxStatus::stopping) || evidence.has_rebooted;
  state.status = name(was_expected ? BoxStatus::stopped : BoxStatus::failed);
  state.stopped_at = to_rfc3339(now);
  // Its command went with the machine.
  if (was_expected) {
    state.exit_code = 128 + SIGKILL;
    return;
  }
  state.failure = "boxlite-shim ended without a record: it was killed";
  if (!evidence.last_words.empty()) state.failure += concat("; its last words: ", evidence.last_words);
}

}  // namespace

std::string describe_failure(const shimlink::ExitRecord& exit) {
  auto text = exit.reason == shimlink::ExitReason::boot_failed
                  ? concat("the guest did not come up (phase ", exit.phase, "): ", exit.message)
                  : concat("the machine ended by itself: ", exit.message);
  if (!exit.console_tail.empty()) text += concat("\nlast lines of the guest's console:\n", exit.console_tail);
  return text;
}

Result<Evidence> gather_evidence(const BoxPaths& paths) {
  Evidence evidence;
  // The lock first: a shim writes its exit record before it lets go.
  evidence.is_alive = BOXLITE_TRY(shimlink::is_shim_alive(paths.directory));
  evidence.shim = BOXLITE_TRY(if_there(shimlink::read_shim_record(paths.directory)));
  if (evidence.is_alive) {
    // Between its spawning and its first record there is only the record of its predecessor.
    if (evidence.shim && !linux_::is_running(evidence.shim->shim)) evidence.shim.reset();
    return evidence;
  }
  evidence.exit = BOXLITE_TRY(if_there(shimlink::read_exit_record(paths.directory)));
  if (evidence.exit) return evidence;
  const auto boot_id = BOXLITE_TRY(linux_::boot_id());
  evidence.has_rebooted = evidence.shim && evidence.shim->shim.boot_id != boot_id;
  evidence.last_words = last_words(paths.shim_stderr());
  return evidence;
}

store::BoxState settled_state(store::BoxState state, const Evidence& evidence, Timestamp now) {
  if (evidence.is_alive) return adopted(std::move(state), evidence, now);
  const bool was_alive =
      state.status == name(BoxStatus::running) || state.status == name(BoxStatus::stopping);
  if (!evidence.exit && !was_alive) return state;
  if (evidence.exit) {
    apply(*evidence.exit, state);
  } else {
    apply_absence(evidence, now, state);
  }
  state.shim_pid.reset();
  state.vmm_pid.reset();
  return state;
}

}  // namespace boxlite::box
