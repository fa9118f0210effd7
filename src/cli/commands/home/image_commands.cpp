// SPDX-License-Identifier: Apache-2.0
// Listing, removing and exporting what is stored.
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/each_name.h"
#include "cli/listing/listing.h"
#include "cli/listing/prune_report.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage list_page{
    .usage = "boxlite images [OPTIONS]",
    .sentence = "Lists stored images. Also: boxlite image ls.",
    .example = "boxlite images --format json",
};
constexpr HelpPage remove_page{
    .usage = "boxlite rmi [OPTIONS] IMAGE...",
    .sentence = "Removes names of images and, with the last name, the image. Also: boxlite image rm.",
    .example = "boxlite rmi debian:12",
};
constexpr HelpPage prune_page{
    .usage = "boxlite image prune [OPTIONS]",
    .sentence = "Removes what no name and no box needs: layers, image disks, leftovers of killed programs.",
    .example = "boxlite image prune -a --dry-run",
};
constexpr HelpPage export_page{
    .usage = "boxlite image export-rootfs [OPTIONS] IMAGE DIR",
    .sentence = "Writes the files of a stored image into a directory, which must be empty or missing.",
    .example = "boxlite image export-rootfs debian:12 ./debian",
};

}  // namespace

Outcome images_command(Call& call) {
  bool is_quiet = false;
  bool is_whole = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(list_page);
  options.flag('q', "quiet", is_quiet, "Only ids");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.flag(0, "no-trunc", is_whole, "Do not shorten ids");
  options.not_built('a', "all");
  options.not_built('f', "filter");
  options.not_built(0, "digests");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto stored = runtime->images().list();
  if (!stored) return std::unexpected(stored.error());
  if (is_quiet) {
    for (const auto& image : *stored) print_line(is_whole ? image.id : short_digest(image.id));
  } else if (format == OutputFormat::json) {
    print(images_json(*stored));
  } else {
    print(images_table(*stored, {.now = current_time(), .is_truncated = !is_whole}));
  }
  return exit_success;
}

Outcome image_remove_command(Call& call) {
  bool force = false;
  OptionSet options(remove_page);
  options.flag('f', "force", force, "Also when a box was made from it; the box keeps its disk");
  options.not_built(0, "no-prune");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "IMAGE"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  auto images = runtime->images();
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    const auto report = images.remove(name, {.force = force});
    if (!report) return std::unexpected(report.error());
    return {};
  });
}

Outcome image_prune_command(Call& call) {
  PruneOptions prune;
  bool force = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(prune_page);
  options.flag('a', "all", prune.all, "Also images that have a name but no box");
  options.flag('n', "dry-run", prune.dry_run, "Only say what would be removed");
  options.flag('f', "force", force, "Accepted for Docker's sake: there is no question to skip");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.not_built(0, "filter");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return show_prune_report(runtime->images().prune(prune), prune.dry_run, format);
}

Outcome image_export_command(Call& call) {
  OptionSet options(export_page);
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "IMAGE DIR"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto exported = runtime->images().export_rootfs(arguments->words[0], arguments->words[1]);
  if (!exported) return std::unexpected(exported.error());
  return exit_success;
}

}  // namespace boxlite::cli
