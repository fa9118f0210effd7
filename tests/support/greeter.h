// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace boxlite::test {

// A server on the host's loopback that answers each connection or datagram with "from N" (its port), or what it is told, and ends
// it, on a thread of its own.
class Greeter {
 public:
  // AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM; with port 0 one is chosen.
  Greeter(int family, int type, std::uint16_t port = 0, std::string answer = {});
  Greeter(const Greeter&) = delete;
  Greeter& operator=(const Greeter&) = delete;
  ~Greeter();
  std::uint16_t port() const { return port_; }

 private:
  void serve() const;

  UniqueFd socket_;
  const bool is_stream_;
  std::uint16_t port_ = 0;
  std::string answer_;
  std::thread thread_;
};

}  // namespace boxlite::test
