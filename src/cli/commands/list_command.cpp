// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "cli/commands/commands.h"
#include "cli/listing/box_filter.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite ls [OPTIONS]",
    .sentence = "Lists running boxes, newest first. Other names: list, ps.",
    .example = "boxlite ls -a --format json",
};

OptionSet::Accept accept_number(std::optional<unsigned>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    target = parse_count(text);
    if (!target) return "is not a whole number";
    return std::nullopt;
  };
}

}  // namespace

Outcome list_command(Call& call) {
  ListOptions list{.all = false};
  bool is_quiet = false;
  bool is_whole = false;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.flag('a', "all", list.all, "Boxes that do not run, too");
  options.flag('q', "quiet", is_quiet, "Only ids");
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  options.flag(0, "no-trunc", is_whole, "Do not shorten commands and images");
  BoxFilter filter;
  std::optional<unsigned> most;
  bool is_latest = false;
  bool has_size = false;
  options.value('f', "filter", "KEY=VALUE",
                "status=, name=, id=, ancestor=, health=: any of those given; label=: all", filter.accept());
  options.value('n', "last", "N", "The newest N, also those that do not run", accept_number(most));
  options.flag('l', "latest", is_latest, "The newest one, also when it does not run");
  options.flag('s', "size", has_size, "What their disks occupy, too");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  if (is_latest) most = 1;
  list.all = list.all || most || filter.wants_all();
  auto boxes = runtime->list(list);
  if (!boxes) return std::unexpected(boxes.error());
  std::erase_if(*boxes, [&](const BoxInfo& box) { return !filter.matches(box); });
  if (most && boxes->size() > *most) boxes->resize(*most);
  if (is_quiet) {
    for (const auto& box : *boxes) print_line(box.id);
  } else if (format == OutputFormat::json) {
    print(boxes_json(*boxes));
  } else {
    print(boxes_table(*boxes, {.now = current_time(), .is_truncated = !is_whole, .has_size = has_size}));
  }
  return exit_success;
}

}  // namespace boxlite::cli
