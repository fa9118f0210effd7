// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <termios.h>

#include <boxlite/box_spec.hpp>
#include <boxlite/error.hpp>

namespace boxlite::cli {

bool is_terminal(int fd);

// Rows and columns of the terminal behind `fd`, 24 × 80 where there is none or it does not know.
TerminalSize terminal_size(int fd);

// The colours of this program's own messages: only on a terminal that understands them, never with NO_COLOR.
class Palette {
 public:
  static Palette for_terminal(int fd);
  explicit Palette(bool is_coloured) : is_coloured_(is_coloured) {}

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string red(std::string_view text) const { return paint("31", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
  bool is_coloured_;
};

// A terminal in raw mode: every key goes to the box. The old mode comes back when the object goes.
class RawTerminal {
 public:
  static Result<RawTerminal> enter(int fd);
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();
  // Raw again: a shell that stopped and continued us has set its own mode meanwhile.
  void renew() const;

 private:
  RawTerminal(int fd, const termios& before) : fd_(fd), before_(before) {}
  int fd_;
  termios before_;
};

}  // namespace boxlite::cli
