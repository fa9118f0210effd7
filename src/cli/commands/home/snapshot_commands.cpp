// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/listing/prune_report.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/output/output_json.h"
#include "cli/output/progress.h"
#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage warm_page{
    .usage = "boxlite warm [OPTIONS] [IMAGE]",
    .sentence =
        "Prepares all that boxes of an image have in common, so that already the first one starts fast:\n"
        "the image, its disk, and a snapshot to start from. Size and kind of the box matter. With "
        "--keep it\n"
        "stays, and keeps machines up for whoever starts such a box next, until interrupted.",
    .example = "boxlite warm --memory 1024 python:3.12",
};
constexpr HelpPage list_page{
    .usage = "boxlite snapshot ls [OPTIONS]",
    .sentence = "Lists the snapshots of machines that boxes start from. Also: boxlite machine ls.",
    .example = "boxlite snapshot ls",
};
constexpr HelpPage prune_page{
    .usage = "boxlite snapshot prune [OPTIONS]",
    .sentence = "Removes all snapshots. Running boxes do not notice; the next start of each kind boots once.",
    .example = "boxlite snapshot prune",
};

// The machines end with this process, however it ends; but in order when it is asked to.
void await_interrupt() {
  sigset_t ends;
  ::sigemptyset(&ends);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ends, signal);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  int received = 0;
  ::sigwait(&ends, &received);
}

std::string_view purpose(const SavedMachine& machine) {
  if (!machine.has_image) return "all starts";
  return machine.is_frozen ? "first starts of an image, frozen" : "first starts of an image";
}

}  // namespace

Outcome warm_command(Call& call) {
  BoxOptions box_options;
  ProcessOptions process;
  OptionSet options(warm_page);
  unsigned keep = 0;
  box_options.declare(options, process, false);
  options.value(0, "keep", "N", "Keep so many machines up, each at the cost of an idle box",
                accept_count(keep));
  const auto arguments = call.parse(options, {.least = 0, .most = 1, .wanted = {}});
  if (!arguments) return std::unexpected(arguments.error());
  const auto spec = box_options.spec(*arguments, process);
  if (!spec) return std::unexpected(spec.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(box_options.is_quiet());
  const WarmOptions how{.pull = box_options.pull_policy()};
  const CallOptions shown{.progress = progress.callback()};
  const auto warmed =
      keep == 0 ? runtime->warm(*spec, how, shown) : runtime->keep_ready(*spec, keep, how, shown);
  progress.clear();
  if (!warmed) return std::unexpected(warmed.error());
  if (keep == 0) return exit_success;
  print_line(fmt::format("ready: {}", keep));
  if (!finish_output()) return exit_failure;
  await_interrupt();
  return exit_success;
}

Outcome snapshot_list_command(Call& call) {
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
  Table table({"ID", "FOR", "USED", "SIZE", "READY"});
  for (const auto& machine : *machines) {
    if (is_quiet) print_line(machine.id);
    table.add_row({machine.id, std::string(purpose(machine)), format_age(machine.used_at, current_time()),
                   format_size(machine.bytes), machine.ready == 0 ? "" : fmt::format("{}", machine.ready)});
  }
  if (!is_quiet) print(table.text());
  return exit_success;
}

Outcome snapshot_prune_command(Call& call) {
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
