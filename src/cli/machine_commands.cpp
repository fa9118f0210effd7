// SPDX-License-Identifier: Apache-2.0
#include "cli/box_options.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/output_json.h"
#include "cli/progress.h"
#include "cli/prune_report.h"
#include "cli/table.h"
#include "cli/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage warm_page{
    .usage = "boxlite warm [OPTIONS] [IMAGE]",
    .sentence =
        "Prepares all that boxes of an image have in common, so that already the first one starts fast:\n"
        "the image, its disk, and a saved machine to go on from. Size and kind of the box matter.",
    .example = "boxlite warm --memory 1024 python:3.12",
};
constexpr HelpPage list_page{
    .usage = "boxlite machine ls [OPTIONS]",
    .sentence = "Lists the saved machines that boxes go on from.",
    .example = "boxlite machine ls",
};
constexpr HelpPage prune_page{
    .usage = "boxlite machine prune [OPTIONS]",
    .sentence =
        "Removes all saved machines. Running boxes do not notice; the next start of each kind boots once.",
    .example = "boxlite machine prune",
};

}  // namespace

Outcome warm_command(Call& call) {
  BoxOptions box_options;
  ProcessOptions process;
  OptionSet options(warm_page);
  box_options.declare(options, process, false);
  const auto arguments = call.parse(options, {.least = 0, .most = 1, .wanted = {}});
  if (!arguments) return std::unexpected(arguments.error());
  const auto spec = box_options.spec(*arguments, process);
  if (!spec) return std::unexpected(spec.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(box_options.is_quiet());
  const auto ready = apply_pull_policy(*runtime, *spec, box_options.pull_policy(), progress);
  if (!ready) return std::unexpected(ready.error());
  const auto warmed = runtime->warm(*spec, progress.callback());
  progress.clear();
  if (!warmed) return std::unexpected(warmed.error());
  return exit_success;
}

Outcome machine_list_command(Call& call) {
  bool is_quiet = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(list_page);
  options.flag('q', "quiet", is_quiet, "Only ids");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto machines = runtime->saved_machines();
  if (!machines) return std::unexpected(machines.error());
  if (format == OutputFormat::json) {
    print(machines_json(*machines));
    return exit_success;
  }
  Table table({"ID", "FOR", "USED", "SIZE"});
  for (const auto& machine : *machines) {
    if (is_quiet) print_line(machine.id);
    table.add_row({machine.id, machine.has_image ? "first starts of an image" : "all starts",
                   format_age(machine.used_at, current_time()), format_size(machine.bytes)});
  }
  if (!is_quiet) print(table.text());
  return exit_success;
}

Outcome machine_prune_command(Call& call) {
  PruneOptions prune;
  OutputFormat format = OutputFormat::table;
  OptionSet options(prune_page);
  options.flag('n', "dry-run", prune.dry_run, "Only say what would be removed");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return show_prune_report(runtime->prune_saved_machines(prune), prune.dry_run, format);
}

}  // namespace boxlite::cli
