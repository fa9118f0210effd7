// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/options/box_path.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage =
        "boxlite cp [OPTIONS] BOX:SRC_PATH DEST_PATH|-\n        boxlite cp [OPTIONS] SRC_PATH|- "
        "BOX:DEST_PATH",
    .sentence =
        "Copies files and directories between this host and a box, by the rules of docker cp.\n"
        "\"/.\" at the end of the source is what is in that directory; \"-\" is a tar archive on standard "
        "input or "
        "output.",
    .example = "boxlite cp ./src web:/app",
};

struct Copy {
  CopyPlace from;
  CopyPlace to;
  CopyOptions options;
  CallOptions call;
};

// Docker refuses these too.
Parsed<Copy> parse_copy(const std::vector<std::string>& words, const OptionSet& options) {
  Copy copy{parse_copy_place(words[0]), parse_copy_place(words[1]), {}, {}};
  const bool is_from_box = !copy.from.box.empty();
  const bool is_to_box = !copy.to.box.empty();
  if (is_from_box && is_to_box)
    return usage_error("copying between two boxes is not supported",
                       fmt::format("boxlite cp {} - | boxlite cp - {}", words[0], words[1]));
  if (!is_from_box && !is_to_box)
    return usage_error("no box: one of the two must be BOX:PATH", options.advice());
  const auto& in_box = is_from_box ? copy.from : copy.to;
  if (in_box.path.empty()) return usage_error("the path in the box is empty", options.advice());
  return copy;
}

Result<CopyReport> run(Files& files, const Copy& copy) {
  if (copy.to.is_stream) return files.pack(copy.from.path, STDOUT_FILENO, copy.options, copy.call);
  if (copy.from.is_stream) return files.unpack(STDIN_FILENO, copy.to.path, copy.options, copy.call);
  if (!copy.to.box.empty()) return files.copy_in(copy.from.path, copy.to.path, copy.options, copy.call);
  return files.copy_out(copy.from.path, copy.to.path, copy.options, copy.call);
}

void tell_of_skipped(const CopyReport& report) {
  if (report.skipped_special > 0)
    warn(fmt::format("{} device files were not made on this host", report.skipped_special));
}

}  // namespace

Outcome copy_command(Call& call) {
  CopyOptions how;
  bool keeps_existing = false;
  bool without_parent = false;
  bool is_quiet = false;
  OptionSet options(page);
  options.flag('a', "archive", how.archive, "Keep the numbers of owners and groups");
  options.flag('L', "follow-link", how.follow_symlinks,
               "Of a source that is a symlink: copy what it leads to");
  options.flag(0, "no-overwrite", keeps_existing, "Leave files that exist as they are");
  options.flag(0, "no-include-parent", without_parent,
               "Of a directory: copy only what is in it, as with \"/.\"");
  options.flag('q', "quiet", is_quiet, "Show no progress");
  const auto arguments = call.parse(options, {.least = 2, .most = 2, .wanted = "SRC and DEST"});
  if (!arguments) return std::unexpected(arguments.error());
  auto copy = parse_copy(arguments->words, options);
  if (!copy) return std::unexpected(copy.error());
  how.overwrite = !keeps_existing;
  how.include_parent = !without_parent;
  if (copy->to.is_stream && is_terminal(STDOUT_FILENO))
    return usage_error("an archive would be written to the terminal", "boxlite cp BOX:PATH - > FILE");

  const auto box = open_box(call.global, copy->from.box.empty() ? copy->to.box : copy->from.box);
  if (!box) return std::unexpected(box.error());
  Progress progress(is_quiet);
  if (const auto show = progress.callback()) {
    copy->call.progress = [show, name = arguments->words[0]](const boxlite::Progress& at) {
      show({.stage = at.stage, .detail = name, .done = at.done, .total = at.total});
    };
  }
  copy->options = how;
  auto files = box->files();
  const auto report = run(files, *copy);
  progress.clear();
  if (!report) return std::unexpected(report.error());
  tell_of_skipped(*report);
  return exit_success;
}

}  // namespace boxlite::cli
