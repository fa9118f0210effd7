// SPDX-License-Identifier: Apache-2.0
#include "support/greeter.h"

#include <array>
#include <utility>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace boxlite::test {
namespace {

sockaddr* generic(sockaddr_storage& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

// Both families have the port in the same place.
in_port_t& port_field(sockaddr_storage& address) {
  return reinterpret_cast<sockaddr_in*>(&address)->sin_port;
}

}  // namespace

Greeter::Greeter(int family, int type, std::uint16_t port, std::string answer)
    : socket_(::socket(family, type | SOCK_CLOEXEC, 0)), is_stream_(type == SOCK_STREAM), answer_(std::move(answer)) {
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  port_field(address) = htons(port);
  socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
  }
  EXPECT_EQ(::bind(socket_.get(), generic(address), size), 0);
  if (is_stream_) {
    EXPECT_EQ(::listen(socket_.get(), 16), 0);
  }
  ::getsockname(socket_.get(), generic(address), &size);
  port_ = ntohs(port_field(address));
  if (answer_.empty()) answer_ = "from " + std::to_string(port_) + "\n";
  thread_ = std::thread([this] { serve(); });
}

Greeter::~Greeter() {
  ::shutdown(socket_.get(), SHUT_RDWR);
  thread_.join();
}

void Greeter::serve() const {
  while (true) {
    if (is_stream_) {
      const UniqueFd client(::accept(socket_.get(), nullptr, nullptr));
      if (!client.is_open()) return;
      (void)::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
      continue;
    }
    std::array<char, 64> buffer;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    if (::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, generic(from), &size) <= 0) return;
    (void)::sendto(socket_.get(), answer_.data(), answer_.size(), 0, generic(from), size);
  }
}

}  // namespace boxlite::test
