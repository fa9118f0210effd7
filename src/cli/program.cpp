// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <exception>

#include <fmt/format.h>

#include "cli/commands/command_table.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr std::string_view try_help =
    "\nEvery command explains itself: boxlite COMMAND --help\n"
    "First steps:  boxlite doctor;  boxlite run -- uname -a;  boxlite run -it debian:12 bash\n";

std::string global_help() {
  GlobalOptions unused;
  OptionSet options({.usage = "", .sentence = "", .example = ""});
  declare_global_options(options, unused, false);
  const auto page = options.help();
  return page.substr(page.find("\nGlobal options"));
}

Ending full_help() {
  return {exit_success, program_help() + global_help() + std::string(try_help)};
}

Outcome dispatch(const std::vector<std::string>& words) {
  Call call;
  bool wants_version = false;
  OptionSet options({.usage = "boxlite [GLOBAL OPTIONS] COMMAND", .sentence = "", .example = ""});
  declare_global_options(options, call.global, false);
  options.flag(0, "version", wants_version, "Show the version");
  auto arguments = options.parse(words, OptionPlacement::before_first_argument);
  if (!arguments) {
    const bool is_help = arguments.error().exit_code == exit_success;
    return std::unexpected(is_help ? full_help() : arguments.error());
  }
  if (wants_version) return version_command(call);
  if (arguments->words.empty()) return std::unexpected(full_help());
  if (arguments->words.front() == "help") {
    arguments->words.erase(arguments->words.begin());
    if (arguments->words.empty()) return std::unexpected(full_help());
    arguments->words.emplace_back("--help");
  }
  const auto found = find_command(arguments->words);
  if (!found) return std::unexpected(found.error());
  call.words.assign(arguments->words.begin() + static_cast<std::ptrdiff_t>(found->words),
                    arguments->words.end());
  return found->command->function(call);
}

int conclude(const Outcome& outcome) {
  if (outcome) return *outcome;
  const Ending& ending = outcome.error();
  if (ending.exit_code == exit_success) {
    print(ending.message);
  } else {
    complain(ending);
  }
  return ending.exit_code;
}

}  // namespace

int run_program(const std::vector<std::string>& words) {
  int code = exit_failure;
  try {
    code = conclude(dispatch(words));
  } catch (const std::exception& bug) {
    complain(fmt::format("internal error: {}", bug.what()), "report it, please");
  }
  return finish_output() || code != exit_success ? code : exit_failure;
}

}  // namespace boxlite::cli
