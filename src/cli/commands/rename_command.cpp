// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite rename BOX NAME",
    .sentence = "Gives a box another name, running or not.",
    .example = "boxlite rename web old-web",
};

}  // namespace

Outcome rename_command(Call& call) {
  OptionSet options(page);
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "BOX and NAME"});
  if (!arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto renamed = runtime->rename(arguments->words[0], arguments->words[1]);
  if (!renamed) return std::unexpected(renamed.error());
  return exit_success;
}

}  // namespace boxlite::cli
