// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/listing/execution_listing.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite execs [OPTIONS] BOX",
    .sentence = "Lists the commands of a running box: those that run, and the last 256 that ended.",
    .example = "boxlite execs --format json web",
};

}  // namespace

Outcome executions_command(Call& call) {
  bool is_quiet = false;
  bool is_whole = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.flag('q', "quiet", is_quiet, "Only ids");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.flag(0, "no-trunc", is_whole, "Do not shorten commands");
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words.front());
  if (!box) return std::unexpected(box.error());
  const auto executions = box->executions();
  if (!executions) return std::unexpected(executions.error());
  if (is_quiet) {
    for (const auto& execution : *executions) print_line(execution.id);
  } else if (format == OutputFormat::json) {
    print(executions_json(*executions));
  } else {
    print(executions_table(*executions, {.now = current_time(), .is_truncated = !is_whole}));
  }
  return exit_success;
}

}  // namespace boxlite::cli
