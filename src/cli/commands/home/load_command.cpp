// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/output/output.h"
#include "cli/output/progress.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite load [OPTIONS] [PATH]",
    .sentence =
        "Loads images from an OCI layout (directory or tar) or from what `docker save` wrote; without a "
        "path,\n"
        "from standard input. Also: boxlite image load.",
    .example = "docker save debian:12 | boxlite load",
};

using IdOfName = std::map<std::string, std::string>;

// Only for what is said afterwards: a failure says nothing.
IdOfName names_in(const Images& images) {
  IdOfName names;
  if (const auto stored = images.list()) {
    for (const auto& image : *stored) names[image.reference] = image.id;
  }
  return names;
}

// An archive names its images as it likes, and may take a name from one that was pulled.
void say_if_taken(const ImageInfo& image, const IdOfName& before) {
  const auto old = before.find(image.reference);
  if (image.reference.empty() || old == before.end() || old->second == image.id) return;
  warn(fmt::format("{} was the name of image {} and is now that of {}", image.reference, old->second,
                   image.id));
}

}  // namespace

Outcome load_command(Call& call) {
  bool is_quiet = false;
  std::string input;
  LoadOptions load;
  OptionSet options(page);
  options.text('i', "input", "PATH", input, "The archive or directory; - is standard input");
  options.text(0, "name", "NAME", load.name, "Name for the image (else the names in the archive)");
  options.text(0, "platform", "OS/ARCH", load.platform, "Choose of a multi-platform image (else the host's)");
  options.flag('q', "quiet", is_quiet, "Show no progress, print only names");
  const auto arguments = call.parse(options, {.least = 0, .most = 1, .wanted = {}});
  if (!arguments) return std::unexpected(arguments.error());
  if (!arguments->words.empty()) {
    if (!input.empty()) return usage_error("the archive is named twice", options.advice());
    input = arguments->words.front();
  }
  const bool from_stdin = input.empty() || input == "-";
  if (from_stdin && is_terminal(STDIN_FILENO)) {
    return usage_error("missing argument: PATH, or an archive on standard input", options.advice());
  }

  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  Progress progress(is_quiet);
  const CallOptions shown{.progress = progress.callback()};
  auto images = runtime->images();
  const auto before = names_in(images);
  const auto loaded = from_stdin ? images.load(STDIN_FILENO, load, shown)
                                 : images.load(std::filesystem::path(input), load, shown);
  progress.clear();
  if (!loaded) return std::unexpected(loaded.error());
  for (const auto& image : *loaded) {
    say_if_taken(image, before);
    const auto& name = image.reference.empty() ? image.id : image.reference;
    print_line(is_quiet ? name : fmt::format("Loaded {}", name));
  }
  return exit_success;
}

}  // namespace boxlite::cli
