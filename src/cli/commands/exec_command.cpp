// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "cli/commands/commands.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"
#include "cli/terminal/stdio_pump.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite exec [OPTIONS] BOX COMMAND [ARG...]",
    .sentence =
        "Runs a command in a box, which is started if it is not running, and exits as the command does.",
    .example = "boxlite exec web sh -c 'echo kept > /file'",
};

// Only what really runs is worth an id.
Outcome leave_running(Box& box, Execution execution) {
  const auto has_started = execution.wait_started();
  if (!has_started) return std::unexpected(has_started.error());
  if (!*has_started) {
    const auto status = execution.wait();
    if (!status) return std::unexpected(status.error());
    return std::unexpected(Ending(status->shell_code(), status->reason));
  }
  // The box may have been started for this very command.
  if (const auto kept = box.detach(); !kept) return std::unexpected(kept.error());
  print_line(execution.id());
  return exit_success;
}

}  // namespace

Outcome exec_command(Call& call) {
  ProcessOptions process;
  OptionSet options(page);
  process.declare(options, true);
  bool is_quiet = false;
  options.flag('q', "quiet", is_quiet, "Show no progress when the box has to be started");
  bool is_detached = false;
  bool is_privileged = false;
  options.flag('d', "detach", is_detached, "Print the id of the execution and leave it running");
  options.flag(0, "privileged", is_privileged, "All capabilities, when the command runs as root");
  auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"},
                              OptionPlacement::before_first_argument);
  if (!arguments) return std::unexpected(arguments.error());
  auto words = std::move(arguments->words);
  const std::string name = words.front();
  words.erase(words.begin());
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (words.empty()) return usage_error("missing argument: COMMAND", options.advice());

  auto exec = process.attachment(is_detached);
  if (!exec) return std::unexpected(exec.error());
  auto environment = process.environment();
  if (!environment) return std::unexpected(environment.error());
  exec->command = std::move(words);
  exec->env = std::move(*environment);
  exec->working_dir = process.working_dir();
  exec->user = process.user();
  exec->privileged = is_privileged;

  auto box = open_box(call.global, name);
  if (!box) return std::unexpected(box.error());
  Progress progress(is_quiet);
  auto execution = box->exec(*exec, {.progress = progress.callback()});
  progress.clear();
  if (!execution) return std::unexpected(execution.error());
  if (is_detached) return leave_running(*box, std::move(*execution));
  return attach_stdio(std::move(*execution), {.use_stdin = exec->use_stdin,
                                              .has_terminal = exec->terminal.has_value(),
                                              .time_limit = exec->timeout,
                                              .is_paused = [&box] { return is_paused(*box); },
                                              .on_detach = [&box] { return box->detach(); },
                                              .detach_keys = process.detach_keys()});
}

}  // namespace boxlite::cli
