// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdio>
#include <limits>

#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/listing/log_lines.h"
#include "cli/output/output.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite logs [OPTIONS] BOX",
    .sentence =
        "Prints what a box's main command has written, its stdout to stdout and its stderr to stderr.",
    .example = "boxlite logs -f -n 20 -t web",
};

OptionSet::Accept accept_moment(std::optional<TimePoint>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    target = parse_moment(text, std::chrono::system_clock::now());
    if (!target) return "is not a time: write 2026-11-22T10:15:00Z, or 10m for ten minutes ago";
    return std::nullopt;
  };
}

OptionSet::Accept accept_tail(std::optional<std::uint64_t>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text == "all") {
      target.reset();
      return std::nullopt;
    }
    const auto count = parse_count(text);
    if (!count) return "is not a number of lines, or all";
    target = *count;
    return std::nullopt;
  };
}

Outcome print_log(LogReader reader, LogLines& lines) {
  while (true) {
    const auto record = reader.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) break;
    if ((*record)->is_gap) {
      std::fflush(stdout);
      complain(Ending(exit_success, gap_text(**record)));
      continue;
    }
    auto* const stream = (*record)->stream == OutputStream::stderr_ ? stderr : stdout;
    const auto text = lines.add(**record);
    // The reader of our output has gone: there is nothing left to do.
    if (std::fwrite(text.data(), 1, text.size(), stream) != text.size() || std::fflush(stream) != 0) break;
  }
  return exit_success;
}

}  // namespace

Outcome logs_command(Call& call) {
  LogOptions log;
  bool has_times = false;
  OptionSet options(page);
  options.flag('f', "follow", log.follow, "Go on with what comes, until the box stops");
  options.value('n', "tail", "N", "Only the last N lines, or all (all)", accept_tail(log.tail));
  options.value(0, "since", "TIME", "Only what came after: a time, or 10m for ten minutes ago",
                accept_moment(log.since));
  options.value(0, "until", "TIME", "Only what came before", accept_moment(log.until));
  options.flag('t', "timestamps", has_times, "Begin each line with the time when it came");
  options.flag(0, "console", log.console, "What the guest's kernel wrote, instead");
  options.not_built(0, "details");
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words.front());
  if (!box) return std::unexpected(box.error());
  auto reader = box->logs(log);
  if (!reader) return std::unexpected(reader.error());
  LogLines lines(has_times && !log.console);
  return print_log(*std::move(reader), lines);
}

}  // namespace boxlite::cli
