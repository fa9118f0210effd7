// SPDX-License-Identifier: Apache-2.0
// What is installed here, and whether it works.
#include <utility>

#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/listing/host_text.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage info_page{
    .usage = "boxlite info [OPTIONS]",
    .sentence = "Shows this installation and its host.",
    .example = "boxlite info --format json",
};
constexpr HelpPage doctor_page{
    .usage = "boxlite doctor [OPTIONS]",
    .sentence = "Checks whether boxes can run here, and says what to change; exits with 1 when they cannot.",
    .example = "boxlite doctor",
};
constexpr HelpPage version_page{
    .usage = "boxlite version [OPTIONS]",
    .sentence = "Shows the version.",
    .example = "boxlite version --format json",
};

Parsed<OutputFormat> parse_format(Call& call, const HelpPage& page) {
  OutputFormat format = OutputFormat::table;
  OptionSet options(page);
  options.value('f', "format", "table|json", "How to print (table)", accept_format(format));
  if (const auto arguments = call.parse(options, {}); !arguments) return std::unexpected(arguments.error());
  return format;
}

Result<Installation> look_around(const Runtime& runtime) {
  auto host = runtime.check_host();
  if (!host) return std::unexpected(host.error());
  auto boxes = runtime.list();
  if (!boxes) return std::unexpected(boxes.error());
  auto images = runtime.images().list();
  if (!images) return std::unexpected(images.error());
  return Installation{.version = version(),
                      .home = runtime.home().string(),
                      .host = std::move(*host),
                      .boxes = std::move(*boxes),
                      .images = std::move(*images)};
}

// A home that cannot be opened is a finding like any other.
HostReport examine(const GlobalOptions& global) {
  const auto failed = [](const Ending& ending) {
    HostReport report;
    report.checks.push_back({"home", CheckStatus::problem, ending.message, ending.remedy});
    return report;
  };
  const auto runtime = open_runtime(global);
  if (!runtime) return failed(runtime.error());
  auto report = runtime->check_host();
  return report ? std::move(*report) : failed(report.error());
}

}  // namespace

Outcome info_command(Call& call) {
  const auto format = parse_format(call, info_page);
  if (!format) return std::unexpected(format.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto installation = look_around(*runtime);
  if (!installation) return std::unexpected(installation.error());
  print(*format == OutputFormat::json ? installation_json(*installation) : installation_text(*installation));
  return exit_success;
}

Outcome doctor_command(Call& call) {
  const auto format = parse_format(call, doctor_page);
  if (!format) return std::unexpected(format.error());
  const auto report = examine(call.global);
  print(*format == OutputFormat::json ? doctor_json(report)
                                      : doctor_text(report, Palette::for_terminal(STDOUT_FILENO)));
  return report.is_usable() ? exit_success : exit_not_usable;
}

Outcome version_command(Call& call) {
  const auto format = parse_format(call, version_page);
  if (!format) return std::unexpected(format.error());
  const auto ours = version();
  print(*format == OutputFormat::json ? version_json(ours) : "boxlite " + version_text(ours) + "\n");
  return exit_success;
}

}  // namespace boxlite::cli
