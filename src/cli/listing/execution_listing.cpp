// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/execution_listing.h"

#include <fmt/format.h>

#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr std::size_t command_width = 40;

std::string state_text(const ExecutionInfo& execution, std::chrono::sys_seconds now) {
  const auto since = [now](TimePoint time) { return now - std::chrono::floor<std::chrono::seconds>(time); };
  if (!execution.status) return "Up " + format_duration(since(execution.started_at));
  const auto& status = *execution.status;
  std::string why;
  if (status.timed_out) why = ", timed out";
  if (status.oom_killed) why = ", out of memory";
  return fmt::format("Exited ({}{}) {} ago", status.shell_code(), why,
                     format_duration(since(status.ended_at)));
}

}  // namespace

std::string executions_table(const std::vector<ExecutionInfo>& executions, const TableStyle& style) {
  Table table({"EXECUTION", "PID", "COMMAND", "STATUS"});
  for (const auto& execution : executions) {
    auto command = command_text(execution.command);
    if (style.is_truncated) command = shortened(command, command_width);
    table.add_row({execution.id, execution.pid == 0 ? "-" : fmt::format("{}", execution.pid),
                   std::move(command), state_text(execution, style.now)});
  }
  return table.text();
}

}  // namespace boxlite::cli
