// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cli/commands/commands.h"
#include "cli/each_name.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite rm [OPTIONS] BOX...",
    .sentence = "Removes boxes with their disks.",
    .example = "boxlite rm -f web",
};

Result<void> remove_box(Runtime& runtime, const std::string& name, const RemoveOptions& remove) {
  auto removed = runtime.remove(name, remove);
  if (removed || removed.error().code() != ErrorCode::invalid_state) return removed;
  return std::unexpected(
      Error(removed.error()).with_remedy("boxlite stop " + name + ", or boxlite rm -f " + name));
}

}  // namespace

Outcome remove_command(Call& call) {
  RemoveOptions remove;
  bool is_all = false;
  OptionSet options(page);
  options.flag('f', "force", remove.force, "Stop running boxes first");
  options.flag('a', "all", is_all, "All boxes; running ones only together with -f");
  options.flag('v', "volumes", remove.volumes, "Their anonymous volumes as well");
  auto arguments = call.parse(options, {.least = 0, .most = any_number, .wanted = {}});
  if (!arguments) return std::unexpected(arguments.error());
  auto& names = arguments->words;
  if (names.empty() != is_all) {
    return usage_error(is_all ? "-a means all: it takes no names" : "missing argument: BOX",
                       options.advice());
  }
  auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  if (is_all) {
    const auto boxes = runtime->list();
    if (!boxes) return std::unexpected(boxes.error());
    for (const auto& box : *boxes) names.push_back(box.id);
  }
  return for_each_name(names, [&](const std::string& name) { return remove_box(*runtime, name, remove); });
}

}  // namespace boxlite::cli
