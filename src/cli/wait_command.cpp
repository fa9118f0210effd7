// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/main_execution.h"
#include "cli/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite wait BOX [EXECUTION...]",
    .sentence =
        "Waits until the box's main command, or each of the executions named, has ended, and prints the "
        "exit\n"
        "codes (128 + the signal that ended one).",
    .example = "boxlite wait web $(boxlite exec -d web make)",
};

}  // namespace

Outcome wait_command(Call& call) {
  OptionSet options(page);
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto words = arguments->words;
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  auto box = runtime->get(words.front());
  if (!box) return std::unexpected(box.error());
  words.erase(words.begin());
  if (words.empty()) words.push_back(main_execution);
  for (const auto& id : words) {
    const auto status = box->wait(id);
    if (!status) return std::unexpected(status.error());
    print_line(fmt::format("{}", status->shell_code()));
  }
  return exit_success;
}

}  // namespace boxlite::cli
