// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include <boxlite/signal.hpp>

#include "cli/commands/commands.h"
#include "cli/output/output.h"
#include "cli/terminal/main_execution.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite kill [OPTIONS] BOX [EXECUTION]",
    .sentence =
        "Sends a signal to the main command of a box, or to the execution named.\n"
        "KILL ends everything that the command has started; other signals go to its first process.",
    .example = "boxlite kill -s HUP web",
};

}  // namespace

Outcome kill_command(Call& call) {
  int signal = SIGKILL;
  OptionSet options(page);
  options.value('s', "signal", "SIGNAL", "Name or number (KILL)",
                [&signal](std::string_view text) -> std::optional<std::string> {
                  const auto parsed = parse_signal(text);
                  if (!parsed) return "is not a signal: write TERM, SIGTERM or 15";
                  signal = *parsed;
                  return std::nullopt;
                });
  const auto arguments = call.parse(options, {.least = 1, .most = 2, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto& words = arguments->words;
  auto box = open_box(call.global, words.front());
  if (!box) return std::unexpected(box.error());
  const auto sent = box->send_signal(words.size() > 1 ? words.back() : main_execution, signal);
  if (!sent) return std::unexpected(sent.error());
  print_line(words.back());
  return exit_success;
}

}  // namespace boxlite::cli
