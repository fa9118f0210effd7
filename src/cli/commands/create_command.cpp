// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite create [OPTIONS] IMAGE [COMMAND [ARG...]]",
    .sentence = "Records a box and prints its id; nothing is pulled or started until its first use.",
    .example = "boxlite create --name web --memory 1g debian:12",
};

}  // namespace

Outcome create_command(Call& call) {
  BoxOptions box_options;
  ProcessOptions process;
  OptionSet options(page);
  box_options.declare(options, process, false);
  const auto arguments = call.parse(options, {.least = 0, .most = any_number, .wanted = {}},
                                    OptionPlacement::before_first_argument);
  if (!arguments) return std::unexpected(arguments.error());
  if (arguments->words.empty()) return usage_error("missing argument: IMAGE", options.advice());
  auto spec = box_options.spec(*arguments, process);
  if (!spec) return std::unexpected(spec.error());
  // Every use of it is another process; the box must outlive the one that starts it.
  spec->detach = true;

  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(box_options.is_quiet());
  const auto box =
      runtime->create(*spec, {.pull = box_options.pull_policy()}, {.progress = progress.callback()});
  progress.clear();
  if (!box) return std::unexpected(box.error());
  print_line(box->id());
  return exit_success;
}

}  // namespace boxlite::cli
