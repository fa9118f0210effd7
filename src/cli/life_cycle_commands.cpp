// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include <fmt/format.h>

#include "cli/box_options.h"
#include "cli/commands.h"
#include "cli/each_name.h"
#include "cli/progress.h"

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

void declare_stop(OptionSet& options, StopOptions& stop) {
  options.value('t', "time", "TIME", "What the processes get between TERM and KILL (2s)",
                accept_duration(stop.grace));
}

Result<void> start(Box& box, bool is_quiet) {
  auto info = box.info();
  if (!info) return std::unexpected(info.error());
  if (!info->spec.detach && info->status != BoxStatus::running) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format(
                  "start box \"{}\": it was made by `run` without -d and lives only as long as the program "
                  "that starts it",
                  box.id()))
            .with_remedy(
                fmt::format("boxlite exec {} COMMAND starts it for one command; for a box that stays, "
                            "use `create` or `run -d`",
                            box.id())));
  }
  Progress progress(is_quiet);
  return box.start(progress.callback());
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

}  // namespace boxlite::cli
