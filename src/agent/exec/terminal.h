// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/messages.h"

namespace boxlite::agent {

// Through either side of a terminal; its programs are told by SIGWINCH.
void set_terminal_size(int fd, const wire::msg::TerminalSize& size);

// Types the terminal's end-of-file character (^D, unless a program changed it).
void write_end_of_file(int master_fd);

}  // namespace boxlite::agent
