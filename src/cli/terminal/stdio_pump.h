// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include <boxlite/box.hpp>
#include <boxlite/execution.hpp>

#include "cli/ending.h"
#include "cli/terminal/detach_keys.h"

namespace boxlite::cli {

struct Attachment {
  bool use_stdin = false;
  bool has_terminal = false;  // standard input is a terminal: raw mode, and its size is passed on
  bool passes_signals = true;
  bool owns_command = true;  // false: the command does not suffer from our end
  // SignalRules has the same.
  std::chrono::milliseconds time_limit{0};
  std::function<bool()> is_paused = {};
  // Called before the command is left by the detach keys; what it complains of does not keep anybody.
  std::function<Result<void>()> on_detach = {};
  DetachKeys detach_keys = *DetachKeys::parse(DetachKeys::usual);  // with a terminal only
};

bool is_paused(Box& box);

// Ties this program's standard streams and signals to a command in a box until the command has ended. Bytes
// are carried as they are. When the reader of our output goes away (`boxlite run … | head`), the command is
// told as a local one would be: by SIGPIPE, and by force a second later; one that is not ours is left alone.
//
// Gives the exit code for this program: the command's own, or 128 + its signal; 0 when it was left by the
// detach keys; why a command was not started, or was killed for its time or memory, is said on standard
// error. An Ending when the box went away or our output could not be written. Installs signal handlers while
// it runs; one call at a time in a process.
Outcome attach_stdio(Execution execution, const Attachment& attachment);

}  // namespace boxlite::cli
