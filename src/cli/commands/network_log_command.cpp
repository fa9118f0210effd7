// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/listing/network_listing.h"
#include "cli/output/output.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite network log [OPTIONS] BOX",
    .sentence = "Shows what a box reached, what it was refused, and which names it asked for.",
    .example = "boxlite network log -f -n 20 --format json web",
};

}  // namespace

Outcome network_log_command(Call& call) {
  NetworkLogOptions wanted;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.flag('f', "follow", wanted.follow, "Go on until the box stops");
  options.value('n', "tail", "COUNT", "Only the last records",
                [&](std::string_view text) -> std::optional<std::string> {
                  wanted.tail = parse_count(text);
                  if (!wanted.tail) return "is not a number of records";
                  return std::nullopt;
                });
  options.value(0, "format", "table|json", "How to print (table: a line of text)", accept_format(format));
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words[0]);
  if (!box) return std::unexpected(box.error());
  auto log = box->network_log(wanted);
  if (!log) return std::unexpected(log.error());
  while (true) {
    const auto record = log->next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return exit_success;
    print_line(format == OutputFormat::json ? network_record_json(**record) : network_record_text(**record));
    if (!finish_output()) return exit_failure;
  }
}

}  // namespace boxlite::cli
