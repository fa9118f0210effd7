// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/options/box_options.h"
#include "cli/output/output.h"
#include "cli/terminal/main_execution.h"
#include "cli/terminal/stdio_pump.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite attach [OPTIONS] BOX [EXECUTION]",
    .sentence =
        "Ties this terminal to a command that runs in a box: its main command, or the execution named.\n"
        "Any number may read along; one types. The exit code is the command's, 0 when left by the detach "
        "keys.",
    .example = "boxlite attach --no-stdin web",
};

constexpr std::uint64_t from_now_on = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint64_t> parse_offset(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

OptionSet::Accept accept_offsets(AttachOptions& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    const auto comma = text.find(',');
    const auto out = parse_offset(text.substr(0, comma));
    const auto err = comma == std::string_view::npos ? out : parse_offset(text.substr(comma + 1));
    if (!out || !err) return "is not one or two byte counts, as in 0 or 4096,0";
    target.stdout_offset = *out;
    target.stderr_offset = *err;
    return std::nullopt;
  };
}

OptionSet::Accept accept_bool(bool& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    if (text != "true" && text != "false") return "is not true or false";
    target = text == "true";
    return std::nullopt;
  };
}

void warn_of_gap(const Execution& execution, OutputStream stream, std::string_view name) {
  const auto skipped = execution.skipped(stream);
  if (skipped == 0) return;
  warn(fmt::format("{} bytes of the command's {} are gone; the box keeps the last 256 KiB", skipped, name));
}

}  // namespace

Outcome attach_command(Call& call) {
  AttachOptions attach{.stdout_offset = from_now_on, .stderr_offset = from_now_on, .use_stdin = false};
  bool no_stdin = false;
  bool passes_signals = true;
  auto keys = *DetachKeys::parse(DetachKeys::usual);
  OptionSet options(page);
  options.flag(0, "no-stdin", no_stdin, "Only read along");
  options.value(0, "detach-keys", "KEYS", "Leave with these (ctrl-p,ctrl-q); empty for none",
                accept_detach_keys(keys));
  options.value(0, "sig-proxy", "true|false", "Pass signals on to a command without a terminal (true)",
                accept_bool(passes_signals));
  options.value(
      0, "offset", "BYTES[,BYTES]",
      "Begin at this byte of stdout[,stderr], as far as it is kept (256 KiB each); else from now on",
      accept_offsets(attach));
  const auto arguments = call.parse(options, {.least = 1, .most = 2, .wanted = "BOX"});
  if (!arguments) return std::unexpected(arguments.error());
  const auto& words = arguments->words;
  attach.use_stdin = !no_stdin;

  auto box = open_box(call.global, words.front());
  if (!box) return std::unexpected(box.error());
  auto execution = box->attach(words.size() > 1 ? words.back() : main_execution, attach);
  if (!execution) return std::unexpected(execution.error());
  warn_of_gap(*execution, OutputStream::stdout_, "standard output");
  warn_of_gap(*execution, OutputStream::stderr_, "standard error");
  const bool types = attach.use_stdin && execution->has_terminal() && is_terminal(STDIN_FILENO);
  return attach_stdio(std::move(*execution), {.use_stdin = attach.use_stdin,
                                              .has_terminal = types,
                                              .passes_signals = passes_signals,
                                              .owns_command = false,
                                              .detach_keys = std::move(keys)});
}

}  // namespace boxlite::cli
