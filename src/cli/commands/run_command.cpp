// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"
#include "cli/terminal/stdio_pump.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage =
        "boxlite run [OPTIONS] IMAGE [COMMAND [ARG...]]\n        boxlite run [OPTIONS] -- COMMAND [ARG...]",
    .sentence =
        "Creates a box, starts it and runs a command in it; the box stops when the command ends.\n"
        "Without an image the command runs in the small one that comes with BoxLite.",
    .example = "boxlite run --rm -e WHO=world debian:12 sh -c 'echo hello $WHO'",
};

// A box whose image never came is of no use to anybody: `run` made it, so `run` takes it away.
void forget_unborn(Runtime& runtime, const Box& box, bool auto_remove) {
  const auto info = box.info();
  const bool never_started = info && info->image_digest.empty();
  if (auto_remove || never_started) (void)runtime.remove(box.id(), {.force = true});
}

// As a shell says it: 127 for a program that is not there, 126 for one that is none.
int exit_code_of(const Error& error) {
  if (error.code() != ErrorCode::invalid_argument) return exit_failure;
  if (error.os_error() == ENOENT) return exit_not_found;
  return error.os_error() == ENOEXEC ? exit_not_executable : exit_failure;
}

Outcome start_detached(Runtime& runtime, Box& box, Progress& progress) {
  const auto started = box.start({}, {.progress = progress.callback()});
  progress.clear();
  if (started) {
    print_line(box.id());
    return exit_success;
  }
  Ending ending(started.error());
  ending.exit_code = exit_code_of(started.error());
  const auto info = box.info();
  forget_unborn(runtime, box, info && info->spec.auto_remove);
  return std::unexpected(std::move(ending));
}

}  // namespace

Outcome run_command(Call& call) {
  BoxOptions box_options;
  ProcessOptions process;
  OptionSet options(page);
  box_options.declare(options, process, true);
  const auto arguments = call.parse(options, {.least = 0, .most = any_number, .wanted = {}},
                                    OptionPlacement::before_first_argument);
  if (!arguments) return std::unexpected(arguments.error());
  if (arguments->words.empty() && !process.is_interactive()) {
    return usage_error("missing argument: IMAGE", options.advice());
  }
  const auto spec = box_options.spec(*arguments, process);
  if (!spec) return std::unexpected(spec.error());
  // Detached, -i and -t are for a client that attaches later, and need no terminal here.
  const auto attachment = spec->detach ? Parsed<ExecSpec>() : process.attachment();
  if (!attachment) return std::unexpected(attachment.error());
  if (spec->detach && process.timeout().count() != 0) {
    return usage_error("--timeout is for a command that is waited for: it cannot go with -d",
                       options.advice());
  }
  if (!spec->detach && spec->restart.mode != RestartMode::no) {
    return usage_error("--restart is for a box that stays: give -d as well", options.advice());
  }

  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(box_options.is_quiet());
  const CallOptions shown{.progress = progress.callback()};
  auto box = runtime->create(*spec, {.pull = box_options.pull_policy(), .start_follows = true}, shown);
  progress.clear();
  if (!box) return std::unexpected(box.error());
  if (spec->detach) return start_detached(*runtime, *box, progress);
  auto execution = box->run(*attachment, shown);
  progress.clear();
  if (!execution) {
    forget_unborn(*runtime, *box, spec->auto_remove);
    return std::unexpected(execution.error());
  }
  const auto outcome = attach_stdio(std::move(*execution), {.use_stdin = process.is_interactive(),
                                                            .has_terminal = attachment->terminal.has_value(),
                                                            .time_limit = attachment->timeout,
                                                            .is_paused = [&box] { return is_paused(*box); },
                                                            .on_detach = [&box] { return box->detach(); },
                                                            .detach_keys = process.detach_keys()});
  // A box whose command has ended is removed by the library; one that we lost sight of may still be there.
  if (!outcome && spec->auto_remove) (void)runtime->remove(box->id(), {.force = true});
  return outcome;
}

}  // namespace boxlite::cli
