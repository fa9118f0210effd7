// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/listing/execution_listing.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::ordered_json;

Json time_or_null(TimePoint time) {
  return time == TimePoint() ? Json(nullptr) : Json(rfc3339(time));
}

Json status_of(const ExitStatus& status) {
  return {{"exit_code", status.exit_code},     {"signal", status.signal},
          {"timed_out", status.timed_out},     {"oom_killed", status.oom_killed},
          {"reason", status.reason},           {"ended_at", time_or_null(status.ended_at)},
          {"cpu_ns", status.cpu_time.count()}, {"peak_memory_bytes", status.peak_memory_bytes}};
}

}  // namespace

std::string executions_json(const std::vector<ExecutionInfo>& executions) {
  Json list = Json::array();
  for (const auto& execution : executions) {
    list.push_back({{"id", execution.id},
                    {"command", execution.command},
                    {"is_main", execution.is_main},
                    {"pid", execution.pid},
                    {"state", execution.status ? "ended" : "running"},
                    {"started_at", time_or_null(execution.started_at)},
                    {"has_terminal", execution.has_terminal},
                    {"has_stdin", execution.has_stdin},
                    {"stdin_is_taken", execution.stdin_is_taken},
                    {"stdout_bytes", execution.stdout_bytes},
                    {"stderr_bytes", execution.stderr_bytes},
                    {"status", execution.status ? status_of(*execution.status) : Json(nullptr)}});
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace boxlite::cli
