// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/each_name.h"
#include "cli/listing/listing.h"
#include "cli/options/mount_options.h"
#include "cli/output/inspect_json.h"
#include "cli/output/output.h"
#include "cli/output/output_json.h"
#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage create_page{
    .usage = "boxlite volume create [OPTIONS] [NAME]",
    .sentence = "Makes a volume: a directory that BoxLite keeps, apart from any box. One that exists stays.",
    .example = "boxlite volume create cache",
};
constexpr HelpPage list_page{
    .usage = "boxlite volume ls [OPTIONS]",
    .sentence = "Lists volumes.",
    .example = "boxlite volume ls -q",
};
constexpr HelpPage inspect_page{
    .usage = "boxlite volume inspect [OPTIONS] VOLUME...",
    .sentence = "Prints a JSON list with all that is known about volumes.",
    .example = "boxlite volume inspect -f '{{.Mountpoint}}' cache",
};
constexpr HelpPage remove_page{
    .usage = "boxlite volume rm [OPTIONS] VOLUME...",
    .sentence = "Removes volumes with all that is in them.",
    .example = "boxlite volume rm cache",
};
constexpr HelpPage prune_page{
    .usage = "boxlite volume prune [OPTIONS]",
    .sentence = "Removes anonymous volumes that no box mounts.",
    .example = "boxlite volume prune -a",
};
constexpr HelpPage attach_page{
    .usage = "boxlite volume attach BOX SOURCE:PLACE[:ro]",
    .sentence = "Mounts a directory or file of the host, or a volume, in a box, running or not, for good.",
    .example = "boxlite volume attach web ./site:/srv/site:ro",
};
constexpr HelpPage detach_page{
    .usage = "boxlite volume detach BOX PLACE",
    .sentence = "Unmounts what is mounted at a place in a box, running or not, for good.",
    .example = "boxlite volume detach web /srv/site",
};

}  // namespace

Outcome volume_create_command(Call& call) {
  OptionSet options(create_page);
  options.not_built(0, "label");
  options.not_built('d', "driver");
  options.not_built('o', "opt");
  const auto arguments = call.parse(options, {.least = 0, .most = 1, .wanted = {}});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto made = runtime->volumes().create(arguments->words.empty() ? "" : arguments->words.front());
  if (!made) return std::unexpected(made.error());
  print_line(made->name);
  return exit_success;
}

Outcome volume_list_command(Call& call) {
  bool is_quiet = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(list_page);
  options.flag('q', "quiet", is_quiet, "Only names");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.not_built('f', "filter");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto volumes = runtime->volumes().list();
  if (!volumes) return std::unexpected(volumes.error());
  if (format == OutputFormat::json) {
    print(volumes_json(*volumes));
    return exit_success;
  }
  Table table({"VOLUME NAME", "CREATED", "BOXES"});
  for (const auto& volume : *volumes) {
    if (is_quiet) print_line(volume.name);
    table.add_row(
        {volume.name, format_age(volume.created_at, current_time()), std::to_string(volume.used_by.size())});
  }
  if (!is_quiet) print(table.text());
  return exit_success;
}

Outcome volume_inspect_command(Call& call) {
  std::string pattern;
  OptionSet options(inspect_page);
  options.text('f', "format", "TEMPLATE", pattern, "Print fields instead, as in '{{.Mountpoint}}'");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "VOLUME"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  std::vector<VolumeInfo> found;
  int code = exit_success;
  for (const auto& name : arguments->words) {
    auto volume = runtime->volumes().get(name);
    if (volume) {
      found.push_back(std::move(*volume));
    } else {
      complain(volume.error());
      code = exit_failure;
    }
  }
  const auto json = volumes_inspect_json(found);
  if (pattern.empty() || pattern == "json") {
    print(json);
    return code;
  }
  const auto text = render_template(pattern, json);
  if (!text) return std::unexpected(text.error());
  print(*text);
  return code;
}

Outcome volume_remove_command(Call& call) {
  bool force = false;
  OptionSet options(remove_page);
  options.flag('f', "force", force, "A volume that does not exist is no error");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "VOLUME"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  auto volumes = runtime->volumes();
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    auto removed = volumes.remove(name);
    if (!removed && force && removed.error().code() == ErrorCode::not_found) return {};
    return removed;
  });
}

Outcome volume_prune_command(Call& call) {
  VolumePruneOptions prune;
  bool force = false;
  OptionSet options(prune_page);
  options.flag('a', "all", prune.all, "Also those that have a name");
  options.flag('f', "force", force, "Accepted for Docker's sake: there is no question to skip");
  options.not_built(0, "filter");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto removed = runtime->volumes().prune(prune);
  if (!removed) return std::unexpected(removed.error());
  for (const auto& name : *removed) print_line(name);
  return exit_success;
}

Outcome volume_attach_command(Call& call) {
  OptionSet options(attach_page);
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "BOX SOURCE:PLACE"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto wish = parse_volume_option(arguments->words[1]);
  if (!wish) return std::unexpected(wish.error());
  if (wish->mount.source.empty()) return usage_error("write SOURCE:PLACE", options.advice());
  if (const auto provided = provide_source(*wish); !provided) return std::unexpected(provided.error());
  auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  if (const auto added = box->add_mount(wish->mount); !added) return std::unexpected(added.error());
  return exit_success;
}

Outcome volume_detach_command(Call& call) {
  OptionSet options(detach_page);
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "BOX PLACE"});
  if (!arguments) return std::unexpected(arguments.error());
  auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  const auto removed = box->remove_mount(arguments->words[1]);
  if (!removed) return std::unexpected(removed.error());
  return exit_success;
}

}  // namespace boxlite::cli
