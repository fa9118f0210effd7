// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"
#include "cli/output/units.h"
#include "cli/output/usage_tables.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite events [OPTIONS]",
    .sentence = "Shows what happens in this home, as it happens, until interrupted.",
    .example = "boxlite events --since 1h --until 0s --filter type=die",
};

// A time, or how long ago it was; 0s is now.
OptionSet::Accept accept_time(std::optional<TimePoint>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (const auto time = parse_time(text)) {
      target = *time;
    } else if (const auto ago = parse_duration(text)) {
      target = std::chrono::system_clock::now() - *ago;
    } else {
      return "is no time: write 2026-11-22T10:00:00Z, or 10m for ten minutes ago";
    }
    return std::nullopt;
  };
}

OptionSet::Accept accept_filter(EventOptions& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto equals = text.find('=');
    const auto key = text.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    if (value.empty()) return "is no filter: write type=start or box=NAME";
    if (key == "type" || key == "event") {
      target.types.emplace_back(value);
    } else if (key == "box" || key == "container") {
      target.boxes.emplace_back(value);
    } else {
      return "is no filter: there are type= and box=";
    }
    return std::nullopt;
  };
}

}  // namespace

Outcome events_command(Call& call) {
  EventOptions wanted;
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.value(0, "since", "TIME", "From this time on, or from so long ago", accept_time(wanted.since));
  options.value(0, "until", "TIME", "End there; 0s for what was until now", accept_time(wanted.until));
  options.value('f', "filter", "KEY=VALUE", "type=TYPE or box=NAME; several of one key: any of them",
                accept_filter(wanted));
  options.value(0, "format", "table|json", "How to print (table: a line of text)", accept_format(format));
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  auto reader = runtime->events(wanted);
  if (!reader) return std::unexpected(reader.error());
  while (true) {
    const auto event = reader->next();
    if (!event) return std::unexpected(event.error());
    if (!*event) return exit_success;
    print_line(format == OutputFormat::json ? event_json(**event) : event_text(**event));
    if (!finish_output()) return exit_failure;
  }
}

}  // namespace boxlite::cli
