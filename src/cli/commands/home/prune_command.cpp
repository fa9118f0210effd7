// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/prune_report.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite prune [OPTIONS]",
    .sentence =
        "Removes all boxes that are stopped or have failed, with their disks and logs.\n"
        "Asks first. Boxes that never ran stay: `boxlite rm` removes them.",
    .example = "boxlite prune -f",
};

// The first line of standard input says yes.
bool is_confirmed() {
  std::array<char, 16> line{};
  if (std::fgets(line.data(), static_cast<int>(line.size()), stdin) == nullptr) return false;
  const std::string_view answer(line.data());
  return answer == "y\n" || answer == "Y\n" || answer == "yes\n" || answer == "y" || answer == "yes";
}

void ask(const PruneReport& found) {
  std::string text;
  for (const auto& id : found.removed) text += id + "\n";
  text += fmt::format("Remove {}, with all that is in {} ({})? [y/N] ",
                      found.removed.size() == 1 ? "this box" : "these boxes",
                      found.removed.size() == 1 ? "it" : "them", format_size(found.freed_bytes));
  std::fputs(text.c_str(), stderr);
}

Parsed<void> require_consent(Runtime& runtime, BoxPruneOptions prune) {
  prune.dry_run = true;
  const auto found = runtime.prune_boxes(prune);
  if (!found) return std::unexpected(found.error());
  if (found->removed.empty()) return {};
  ask(*found);
  if (is_confirmed()) return {};
  return std::unexpected(
      Ending(exit_failure, "nothing was removed: the answer was not yes", "boxlite prune -f does not ask"));
}

}  // namespace

Outcome prune_command(Call& call) {
  BoxPruneOptions prune;
  bool force = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.flag('f', "force", force, "Do not ask");
  options.flag('n', "dry-run", prune.dry_run, "Only say what would be removed");
  options.flag('v', "volumes", prune.volumes, "Their anonymous volumes as well");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.not_built(0, "filter");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  if (!force && !prune.dry_run) {
    if (const auto consent = require_consent(*runtime, prune); !consent)
      return std::unexpected(consent.error());
  }
  return show_prune_report(runtime->prune_boxes(prune), prune.dry_run, format);
}

}  // namespace boxlite::cli
