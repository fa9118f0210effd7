// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "loopback_server.h"

namespace boxlite::test {

// Passes TCP on to a server, keeps what clients asked, and cuts connections in the middle of an answer.
class CuttingProxy {
 public:
  // The first `cuts` connections that carry more than `cut_after` bytes to the client end there.
  CuttingProxy(int upstream_port, int cuts = 0, std::uint64_t cut_after = 0);

  int port() const { return server_.port(); }
  std::string address() const { return server_.address(); }
  // How often `text` occurred in what clients sent.
  int count_in_requests(const std::string& text) const;
  int cuts_left() const { return cuts_; }

 private:
  void serve(int client_fd, int stop_fd);

  int upstream_port_;
  std::atomic<int> cuts_;
  std::uint64_t cut_after_;
  mutable std::mutex mutex_;
  std::string requests_;
  LoopbackServer server_;
};

}  // namespace boxlite::test
