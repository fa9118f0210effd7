// SPDX-License-Identifier: Apache-2.0
// A listening socket on a loopback port that the kernel chose, with one thread per connection.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace boxlite::test {

class LoopbackServer {
 public:
  // `serve` gets each connection; it must return when `stop_fd` is readable.
  using Serve = std::function<void(int connection_fd, int stop_fd)>;
  explicit LoopbackServer(Serve serve);
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  int port() const { return port_; }
  std::string address() const;

 private:
  void accept_all();

  Serve serve_;
  UniqueFd listener_;
  UniqueFd stop_;
  int port_ = 0;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

UniqueFd connect_to_loopback(int port);
// Waits until `fd` is readable; false when `stop_fd` is first.
bool wait_readable(int fd, int stop_fd);
// A request's head, up to the empty line.
std::string read_request(int connection_fd, int stop_fd);

}  // namespace boxlite::test
