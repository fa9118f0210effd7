// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/terminal.h"

#include <algorithm>
#include <cstdint>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace boxlite::agent {

void set_terminal_size(int fd, const wire::msg::TerminalSize& size) {
  constexpr std::uint32_t largest = 0xffff;
  winsize window{};
  window.ws_row = static_cast<unsigned short>(std::min(size.rows(), largest));
  window.ws_col = static_cast<unsigned short>(std::min(size.columns(), largest));
  ::ioctl(fd, TIOCSWINSZ, &window);
}

void write_end_of_file(int master_fd) {
  termios settings{};
  if (::tcgetattr(master_fd, &settings) != 0) return;
  const auto end_of_file = static_cast<char>(settings.c_cc[VEOF]);
  [[maybe_unused]] const auto written = ::write(master_fd, &end_of_file, 1);
}

}  // namespace boxlite::agent
