// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/terminal.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace boxlite::cli {

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

Palette Palette::for_terminal(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool is_refused = no_color != nullptr && *no_color != '\0';
  const bool is_dumb = term == nullptr || std::string_view(term) == "dumb";
  return Palette(!is_refused && !is_dumb && is_terminal(fd));
}

std::string Palette::paint(std::string_view code, std::string_view text) const {
  return is_coloured_ ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}

Result<RawTerminal> RawTerminal::enter(int fd) {
  termios before{};
  if (::tcgetattr(fd, &before) != 0) {
    const int error = errno;
    return std::unexpected(
        Error(ErrorCode::internal, fmt::format("read terminal mode: {}", std::strerror(error)), error));
  }
  termios raw = before;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd, TCSADRAIN, &raw) != 0) {
    const int error = errno;
    return std::unexpected(
        Error(ErrorCode::internal, fmt::format("set terminal mode: {}", std::strerror(error)), error));
  }
  return RawTerminal(fd, before);
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

void RawTerminal::renew() const {
  termios raw = before_;
  ::cfmakeraw(&raw);
  ::tcsetattr(fd_, TCSADRAIN, &raw);
}

RawTerminal::~RawTerminal() {
  // FLUSH would throw away what was typed ahead for the shell.
  if (fd_ >= 0) ::tcsetattr(fd_, TCSADRAIN, &before_);
}

}  // namespace boxlite::cli
