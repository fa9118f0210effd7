// SPDX-License-Identifier: Apache-2.0
#include "cli/output/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output/table.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

namespace {

// Messages may hold names and console lines of a box: its line breaks are kept, its escape sequences are not.
std::string harmless(std::string_view text) {
  std::string result;
  while (true) {
    const auto end = text.find('\n');
    result += printable(text.substr(0, end));
    if (end == std::string_view::npos) return result;
    result += "\n  ";
    text.remove_prefix(end + 1);
  }
}

void say(std::string_view text) {
  std::fflush(stdout);  // so that both streams keep their order on one terminal
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_line(std::string_view line) {
  print(line);
  print("\n");
}

bool finish_output() {
  const bool had_error = std::ferror(stdout) != 0;
  if (std::fflush(stdout) == 0 && !had_error) return true;
  complain(fmt::format("write to standard output: {}", std::strerror(errno)));
  return false;
}

void complain(std::string_view message, std::string_view remedy) {
  const auto palette = Palette::for_terminal(STDERR_FILENO);
  auto text = fmt::format("{} {}\n", palette.red("boxlite:"), harmless(message));
  if (!remedy.empty()) text += fmt::format("  {} {}\n", palette.bold("try:"), harmless(remedy));
  say(text);
}

void warn(std::string_view message) {
  const auto palette = Palette::for_terminal(STDERR_FILENO);
  say(fmt::format("{} {}\n", palette.yellow("boxlite: warning:"), harmless(message)));
}

void trace(std::string_view message) {
  say(fmt::format("debug: {}\n", harmless(message)));
}

}  // namespace boxlite::cli
