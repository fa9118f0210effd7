// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite pull [OPTIONS] IMAGE",
    .sentence = "Downloads an image from a registry and verifies it. Also: boxlite image pull.",
    .example = "boxlite pull debian:12",
};

}  // namespace

Outcome pull_command(Call& call) {
  bool is_quiet = false;
  PullOptions pull;
  OptionSet options(page);
  options.flag('q', "quiet", is_quiet, "Print only the image's full name");
  options.text(0, "platform", "OS/ARCH", pull.platform, "Choose of a multi-platform image (else the host's)");
  options.not_built('a', "all-tags");
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "IMAGE"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(is_quiet);
  const auto image =
      runtime->images().pull(arguments->words.front(), pull, {.progress = progress.callback()});
  progress.clear();
  if (!image) return std::unexpected(image.error());
  print_line(image->reference);
  if (is_quiet) return exit_success;
  print_line(fmt::format("Digest: {}", image->manifest_digest));
  print_line(fmt::format("Layers: {} ({})", image->layer_count, format_size(image->size_bytes)));
  return exit_success;
}

}  // namespace boxlite::cli
