// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite ls [OPTIONS]",
    .sentence = "Lists running boxes, newest first. Other names: list, ps.",
    .example = "boxlite ls -a --format json",
};

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
  options.not_built('f', "filter");
  options.not_built('n', "last");
  options.not_built('s', "size");
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto boxes = runtime->list(list);
  if (!boxes) return std::unexpected(boxes.error());
  if (is_quiet) {
    for (const auto& box : *boxes) print_line(box.id);
  } else if (format == OutputFormat::json) {
    print(boxes_json(*boxes));
  } else {
    print(boxes_table(*boxes, {.now = current_time(), .is_truncated = !is_whole}));
  }
  return exit_success;
}

}  // namespace boxlite::cli
