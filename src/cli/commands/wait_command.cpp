// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite wait BOX [EXECUTION...]",
    .sentence =
        "Waits until the box has stopped, or each of the executions named has ended, and prints the exit "
        "codes\n"
        "(128 + the signal that ended one).",
    .example = "boxlite wait web $(boxlite exec -d web make)",
};

Outcome wait_for_box(Box& box) {
  const auto end = box.wait_stopped();
  if (!end) return std::unexpected(end.error());
  if (!end->exit_code && !end->failure.empty()) {
    return std::unexpected(
        Ending(exit_failure, fmt::format("box {} has failed: {}", box.id(), end->failure)));
  }
  // A box that had no command of its own has nothing to complain of.
  print_line(fmt::format("{}", end->exit_code.value_or(0)));
  return exit_success;
}

}  // namespace

Outcome wait_command(Call& call) {
  OptionSet options(page);
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto words = arguments->words;
  auto box = open_box(call.global, words.front());
  if (!box) return std::unexpected(box.error());
  words.erase(words.begin());
  if (words.empty()) return wait_for_box(*box);
  for (const auto& id : words) {
    const auto status = box->wait(id);
    if (!status) return std::unexpected(status.error());
    print_line(fmt::format("{}", status->shell_code()));
  }
  return exit_success;
}

}  // namespace boxlite::cli
