// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include <fmt/format.h>

#include <boxlite/signal.hpp>

#include "cli/commands/commands.h"
#include "cli/each_name.h"
#include "cli/options/box_options.h"
#include "cli/output/progress.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage start_page{
    .usage = "boxlite start [OPTIONS] BOX...",
    .sentence = "Starts boxes and waits until commands can run in them; a running box is left alone.",
    .example = "boxlite start web && boxlite exec web uname -r",
};
constexpr HelpPage stop_page{
    .usage = "boxlite stop [OPTIONS] BOX...",
    .sentence = "Ends everything in the boxes and switches them off; their disks are kept.",
    .example = "boxlite stop --time 10s web",
};
constexpr HelpPage restart_page{
    .usage = "boxlite restart [OPTIONS] BOX...",
    .sentence = "Stops boxes and starts them again.",
    .example = "boxlite restart web",
};

constexpr HelpPage pause_page{
    .usage = "boxlite pause BOX...",
    .sentence = "Lets boxes stand still, with all that runs in them, until `unpause`.",
    .example = "boxlite pause web",
};
constexpr HelpPage unpause_page{
    .usage = "boxlite unpause BOX...",
    .sentence = "Lets paused boxes go on.",
    .example = "boxlite unpause web",
};

void declare_stop(OptionSet& options, StopOptions& stop) {
  options.value('s', "signal", "SIGNAL", "What the main command gets (what the box has, else TERM)",
                [&stop](std::string_view text) -> std::optional<std::string> {
                  const auto signal = parse_signal(text);
                  if (!signal) return "is not a signal: write TERM, SIGTERM or 15";
                  stop.signal = *signal;
                  return std::nullopt;
                });
  for (const char* word : {"time", "timeout"}) {
    options.value(word == std::string_view("time") ? 't' : '\0', word, "TIME",
                  "How long, until everything is killed (what the box has, else 2s)",
                  accept_stop_timeout(stop.grace));
  }
}

Result<void> start(Box& box, bool is_quiet) {
  Progress progress(is_quiet);
  // Every use of it is another process, also of a box that was made by `run` in the foreground.
  return box.start({.detach = true}, {.progress = progress.callback()});
}

}  // namespace

Outcome start_command(Call& call) {
  bool is_quiet = false;
  OptionSet options(start_page);
  options.flag('q', "quiet", is_quiet, "Show no progress");
  options.not_built('a', "attach");
  options.not_built('i', "interactive");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    auto box = runtime->get(name);
    if (!box) return std::unexpected(box.error());
    return start(*box, is_quiet);
  });
}

Outcome stop_command(Call& call) {
  StopOptions stop;
  OptionSet options(stop_page);
  declare_stop(options, stop);
  options.flag('f', "force", stop.force, "Pull the plug: what was not yet written to the disk is lost");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    auto box = runtime->get(name);
    if (!box) return std::unexpected(box.error());
    return box->stop(stop);
  });
}

Outcome restart_command(Call& call) {
  StopOptions stop;
  bool is_quiet = false;
  OptionSet options(restart_page);
  declare_stop(options, stop);
  options.flag('q', "quiet", is_quiet, "Show no progress");
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    auto box = runtime->get(name);
    if (!box) return std::unexpected(box.error());
    if (auto stopped = box->stop(stop); !stopped) return stopped;
    return start(*box, is_quiet);
  });
}

namespace {

Outcome for_each_box(Call& call, const HelpPage& page, Result<void> (Box::*change)()) {
  OptionSet options(page);
  const auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return for_each_name(arguments->words, [&](const std::string& name) -> Result<void> {
    auto box = runtime->get(name);
    if (!box) return std::unexpected(box.error());
    return (*box.*change)();
  });
}

}  // namespace

Outcome pause_command(Call& call) {
  return for_each_box(call, pause_page, &Box::pause);
}

Outcome unpause_command(Call& call) {
  return for_each_box(call, unpause_page, &Box::unpause);
}

}  // namespace boxlite::cli
