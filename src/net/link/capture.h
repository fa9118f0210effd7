// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/link/frame.h"

namespace boxlite::net {

// Frames as a pcap file into a fifo. What its reader does not take in time is left out: a capture never holds
// up what it captures. The process ignores SIGPIPE. One thread.
class Capture {
 public:
  static constexpr std::size_t most_waiting = 4u << 20;

  // The reader has opened it already. unavailable when there is none.
  static Result<Capture> open(const std::filesystem::path& fifo);

  // False: the reader has gone.
  bool write(ConstBytes frame);

 private:
  explicit Capture(UniqueFd fifo) : fifo_(std::move(fifo)) {}
  bool flush();

  UniqueFd fifo_;
  std::string waiting_;
};

}  // namespace boxlite::net
