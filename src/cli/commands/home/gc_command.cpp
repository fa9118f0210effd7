// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.h"
#include "cli/listing/prune_report.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite gc [OPTIONS]",
    .sentence =
        "Removes what belongs to nobody: leftovers of killed processes, boxes whose time is over, blobs and "
        "disks\n"
        "that no image and no box needs. What is in use stays.",
    .example = "boxlite gc -n",
};

}  // namespace

Outcome gc_command(Call& call) {
  PruneOptions garbage;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.flag('n', "dry-run", garbage.dry_run, "Only say what would be removed");
  options.flag('a', "all", garbage.all, "Also images that have a name but no box");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return show_prune_report(runtime->collect_garbage(garbage), garbage.dry_run, format);
}

}  // namespace boxlite::cli
