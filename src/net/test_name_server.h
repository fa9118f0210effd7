// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "linux/event_loop.h"
#include "net/dns/dns_message.h"
#include "net/dns/host_file.h"

namespace boxlite::net {

// Not open when somebody has the port.
inline UniqueFd try_bound_socket(int type, const netpolicy::IpAddress& address, std::uint16_t port,
                                 std::uint16_t* chosen = nullptr) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage;
  auto size = address.to_sockaddr(port, storage);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return {};
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  if (chosen) *chosen = netpolicy::port_of(storage);
  return socket;
}

inline UniqueFd bound_socket(int type, const netpolicy::IpAddress& address, std::uint16_t port,
                             std::uint16_t* chosen = nullptr) {
  auto socket = try_bound_socket(type, address, port, chosen);
  EXPECT_TRUE(socket.is_open());
  return socket;
}

// A name server on loopback, on UDP and TCP, that answers as a test wants it to. In the test's loop.
class TestNameServer {
 public:
  struct Query {
    DnsMessage message;
    bool is_tcp;
  };
  // What is sent as it is; nullopt: nothing.
  using Answer = std::function<std::optional<std::string>(const Query&)>;

  // With port 0 one is chosen.
  TestNameServer(linux_::EventLoop& loop, Answer answer,
                 netpolicy::IpAddress address = netpolicy::IpAddress::v4(0x7f000001), std::uint16_t port = 0)
      : loop_(loop), answer_(std::move(answer)), address_(address) {
    // A port that is free for datagrams may be somebody's for streams.
    for (int tries = 0; tries < 100 && !listener_.is_open(); ++tries) {
      udp_.reset();
      udp_ = bound_socket(SOCK_DGRAM, address_, port, &port_);
      listener_ = try_bound_socket(SOCK_STREAM, address_, port_);
    }
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    udp_watch_ = *loop.watch(udp_.get(), true, false, [this](linux_::Readiness) { answer_datagram(); });
    listener_watch_ = *loop.watch(listener_.get(), true, false, [this](linux_::Readiness) { accept(); });
  }

  NameServer address() const { return {.address = address_, .port = port_}; }
  int queries() const { return queries_; }

  // A response with these addresses for whatever was asked, of the type that was asked.
  static DnsMessage respond(const DnsMessage& query, const std::vector<std::string>& addresses) {
    DnsMessage response{.id = query.id, .is_response = true, .questions = query.questions};
    const auto& question = query.questions.front();
    for (const auto& text : addresses) {
      auto record = address_record(question.name, netpolicy::IpAddress::parse(text).value(), 60);
      if (record.type == question.type) response.answers.push_back(record);
    }
    return response;
  }

 private:
  void answer_datagram() {
    std::array<char, 4096> buffer;
    sockaddr_storage from;
    socklen_t size = sizeof from;
    const auto count =
        ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return;
    const auto bytes = reply({buffer.data(), static_cast<std::size_t>(count)}, false);
    if (bytes)
      ::sendto(udp_.get(), bytes->data(), bytes->size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }

  void accept() {
    stream_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    stream_watch_ = *loop_.watch(stream_.get(), true, false, [this](linux_::Readiness) { answer_stream(); });
  }

  void answer_stream() {
    std::array<char, 4096> buffer;
    const auto count = ::recv(stream_.get(), buffer.data(), buffer.size(), 0);
    if (count <= 2) return stream_watch_.reset();
    const auto bytes = reply({buffer.data() + 2, static_cast<std::size_t>(count) - 2}, true);
    if (!bytes) return;
    // In two pieces, as networks do.
    const char length[] = {static_cast<char>(bytes->size() >> 8), static_cast<char>(bytes->size() & 0xff)};
    ::send(stream_.get(), length, sizeof length, MSG_NOSIGNAL);
    ::send(stream_.get(), bytes->data(), bytes->size(), MSG_NOSIGNAL);
  }

  std::optional<std::string> reply(std::string_view bytes, bool is_tcp) {
    ++queries_;
    auto query = parse_dns_message(bytes);
    EXPECT_TRUE(query);
    return query ? answer_({*query, is_tcp}) : std::nullopt;
  }

  linux_::EventLoop& loop_;
  Answer answer_;
  netpolicy::IpAddress address_;
  std::uint16_t port_ = 0;
  int queries_ = 0;
  UniqueFd udp_;
  UniqueFd listener_;
  UniqueFd stream_;
  linux_::EventLoop::Watch udp_watch_;
  linux_::EventLoop::Watch listener_watch_;
  linux_::EventLoop::Watch stream_watch_;
};

}  // namespace boxlite::net
