// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>
#include <memory>

#include <boxlite/error.hpp>

#include "cli/terminal/descriptor.h"

namespace boxlite::cli {

// While it lives, the first INT, TERM or HUP makes fd() readable instead of ending this program; a second one
// ends it. One at a time in a process.
class EndSignals {
 public:
  static Result<std::unique_ptr<EndSignals>> start();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;
  ~EndSignals();

  int fd() const { return reader_.get(); }
  bool has_come() const;

 private:
  static constexpr std::array watched{SIGINT, SIGTERM, SIGHUP};

  EndSignals(Descriptor reader, Descriptor writer);

  Descriptor reader_;
  Descriptor writer_;
  std::array<struct sigaction, watched.size()> before_{};
};

}  // namespace boxlite::cli
