// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/output/usage_tables.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

using namespace std::chrono_literals;

constexpr HelpPage stats_page{
    .usage = "boxlite stats [OPTIONS] [BOX...]",
    .sentence = "Shows what boxes use, over and over until interrupted; without names, all that run.",
    .example = "boxlite stats --no-stream --format json web",
};
constexpr HelpPage top_page{
    .usage = "boxlite top [OPTIONS] BOX",
    .sentence = "Lists the processes in a box.",
    .example = "boxlite top web",
};
constexpr HelpPage metrics_page{
    .usage = "boxlite metrics [OPTIONS]",
    .sentence =
        "Prints what was done in this home and what its running boxes use, in Prometheus' text format.",
    .example = "boxlite metrics > /var/lib/node_exporter/boxlite.prom",
};

// Between the two readings of a rate.
constexpr std::chrono::milliseconds first_pause = 500ms;
constexpr std::string_view redraw = "\033[H\033[J";

struct StatsOptions {
  bool is_single = false;
  OutputFormat format = OutputFormat::table;
  std::chrono::milliseconds interval = 1000ms;
};

void pause(std::chrono::milliseconds time) {
  const timespec wait{time.count() / 1000, time.count() % 1000 * 1'000'000};
  ::nanosleep(&wait, nullptr);
}

Result<std::vector<Box>> chosen_boxes(const Runtime& runtime, const std::vector<std::string>& names) {
  std::vector<Box> boxes;
  std::vector<std::string> ids = names;
  if (names.empty()) {
    auto running = runtime.list({.all = false});
    if (!running) return std::unexpected(running.error());
    for (const auto& box : *running) ids.push_back(box.id);
  }
  for (const auto& id : ids) {
    auto box = runtime.get(id);
    if (box) {
      boxes.push_back(*std::move(box));
    } else if (!names.empty()) {  // else it was removed just now
      return std::unexpected(box.error());
    }
  }
  return boxes;
}

// A box that was removed meanwhile is left out.
Result<std::vector<BoxStats>> read_stats(const std::vector<Box>& boxes) {
  std::vector<BoxStats> all;
  for (const auto& box : boxes) {
    auto stats = box.stats();
    if (stats) {
      all.push_back(*std::move(stats));
    } else if (stats.error().code() != ErrorCode::not_found) {
      return std::unexpected(stats.error());
    }
  }
  return all;
}

std::vector<Reading> paired(const std::vector<BoxStats>& earlier, const std::vector<BoxStats>& later) {
  std::vector<Reading> readings;
  for (const auto& box : later) {
    Reading reading{.earlier = {}, .later = box};
    for (const auto& before : earlier) {
      if (before.id == box.id) reading.earlier = before;
    }
    readings.push_back(std::move(reading));
  }
  return readings;
}

Outcome watch(const Runtime& runtime, const std::vector<std::string>& names, const StatsOptions& options) {
  const bool is_live =
      !options.is_single && is_terminal(STDOUT_FILENO) && options.format == OutputFormat::table;
  std::vector<BoxStats> before;
  auto wait = first_pause;
  while (true) {
    const auto boxes = chosen_boxes(runtime, names);
    if (!boxes) return std::unexpected(boxes.error());
    if (before.empty()) {
      auto first = read_stats(*boxes);
      if (!first) return std::unexpected(first.error());
      before = *std::move(first);
      if (!before.empty()) pause(wait);
    }
    auto now = read_stats(*boxes);
    if (!now) return std::unexpected(now.error());
    const auto readings = paired(before, *now);
    if (is_live) print(redraw);
    print(options.format == OutputFormat::json ? stats_json(readings) : stats_table(readings));
    if (options.is_single) return exit_success;
    if (!finish_output()) return exit_failure;
    before = *std::move(now);
    wait = options.interval;
    pause(wait);
  }
}

}  // namespace

Outcome stats_command(Call& call) {
  StatsOptions stats;
  OptionSet options(stats_page);
  options.flag(0, "no-stream", stats.is_single, "Print once");
  options.value(0, "interval", "TIME", "Between two readings (1s)", accept_duration(stats.interval));
  options.value(0, "format", "table|json", "How to print (table)", accept_format(stats.format));
  options.not_built('a', "all");
  options.not_built(0, "no-trunc");
  const auto arguments = call.parse(options, {.least = 0, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  if (stats.interval < 100ms) return usage_error("--interval must be 100ms or more");
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return watch(*runtime, arguments->words, stats);
}

Outcome top_command(Call& call) {
  OutputFormat format = OutputFormat::table;
  OptionSet options(top_page);
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words.front());
  if (!box) return std::unexpected(box.error());
  const auto processes = box->processes();
  if (!processes) return std::unexpected(processes.error());
  print(format == OutputFormat::json ? processes_json(*processes) : processes_table(*processes));
  return exit_success;
}

Outcome metrics_command(Call& call) {
  OptionSet options(metrics_page);
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto metrics = runtime->metrics();
  if (!metrics) return std::unexpected(metrics.error());
  const auto boxes = chosen_boxes(*runtime, {});
  if (!boxes) return std::unexpected(boxes.error());
  const auto stats = read_stats(*boxes);
  if (!stats) return std::unexpected(stats.error());
  print(prometheus_text(*metrics, *stats));
  return exit_success;
}

}  // namespace boxlite::cli
