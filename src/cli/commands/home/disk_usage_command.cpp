// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"
#include "cli/output/output_json.h"
#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite system df [OPTIONS]",
    .sentence =
        "Shows what this home takes of its disk, and what could be freed:\n"
        "images and disks by `image prune -a`, boxes and logs by `prune`, volumes by `volume prune -a`.",
    .example = "boxlite system df",
};

void add_row(Table& table, std::string what, const SpaceUse& use) {
  const auto share = use.bytes == 0 ? 0 : use.reclaimable_bytes * 100 / use.bytes;
  table.add_row({std::move(what), fmt::format("{}", use.count), fmt::format("{}", use.active),
                 format_size(use.bytes), fmt::format("{} ({}%)", format_size(use.reclaimable_bytes), share)});
}

std::string usage_table(const DiskUsage& usage) {
  Table table({"TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"});
  add_row(table, "Images", usage.images);
  add_row(table, "Image disks", usage.disks);
  add_row(table, "Boxes", usage.boxes);
  add_row(table, "Logs", usage.logs);
  add_row(table, "Volumes", usage.volumes);
  return table.text();
}

}  // namespace

Outcome disk_usage_command(Call& call) {
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.not_built('v', "verbose");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto usage = runtime->disk_usage();
  if (!usage) return std::unexpected(usage.error());
  print(format == OutputFormat::json ? disk_usage_json(*usage) : usage_table(*usage));
  return exit_success;
}

}  // namespace boxlite::cli
