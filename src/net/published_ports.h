// SPDX-License-Identifier: Apache-2.0
// Ports of the host that lead into the box. They are bound for as long as this object lives, over all
// machines of the box, and never longer. One thread, the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/link/frame.h"
#include "net/relay.h"
#include "netpolicy/address.h"

namespace boxlite::net {

class Gateway;

struct PortMapping {
  Endpoint host = {};  // port 0: any that is free
  std::uint16_t box_port = 0;
  bool is_udp = false;

  bool operator==(const PortMapping&) const = default;
};

class PublishedPorts {
 public:
  static constexpr std::size_t most_connections = 1024;
  static constexpr std::size_t most_udp_peers = 1024;

  // The loop outlives it.
  explicit PublishedPorts(linux_::EventLoop& loop) : loop_(loop) {}
  PublishedPorts(const PublishedPorts&) = delete;
  PublishedPorts& operator=(const PublishedPorts&) = delete;

  // Returns the port of the host. already_exists, naming the holder, when it is taken; permission_denied.
  // `preferred`: of a port that may be any, the one to try first.
  Result<std::uint16_t> add(const PortMapping& mapping, std::uint16_t preferred = 0);
  // Its connections end. not_found.
  Result<void> remove(const PortMapping& mapping);
  // With the ports of the host as they are.
  std::vector<PortMapping> list() const;

  // The way into the machine that runs now; until there is one, clients wait to be accepted.
  void attach(Gateway& gateway);
  // That machine ends: so do all connections. Before the gateway goes.
  void detach();

 private:
  struct Port {
    PortMapping mapping = {};
    UniqueFd socket = {};
    linux_::EventLoop::Watch watch = {};
  };
  struct Connection {
    const Port* port = nullptr;
    std::unique_ptr<Relay> relay = {};
  };
  // Somebody outside who sent a datagram, as the guest sees him: a port of the host alias.
  struct Peer {
    const Port* port = nullptr;
    std::string address = {};  // the bytes of a socket address
    linux_::EventLoop::Clock::time_point used = {};
  };

  Result<void> watch(Port& port);
  void on_ready(Port& port);
  void accept(Port& port);
  bool connect(const Port& port, UniqueFd client);
  // No clients until then.
  void pause(std::chrono::milliseconds length);
  void retry();
  void receive(Port& port);
  std::uint16_t alias_port_of(const Port& port, const std::string& address);
  bool reply(std::uint16_t guest_port, std::uint16_t alias_port, ConstBytes payload);
  void want_clients(bool wanted);

  linux_::EventLoop& loop_;
  Gateway* gateway_ = nullptr;
  std::list<Port> ports_;
  std::list<Connection> connections_;
  // Accepted, and waiting for slirp to take the one before.
  std::deque<std::pair<const Port*, UniqueFd>> waiting_;
  linux_::EventLoop::Timer retrying_;
  std::map<std::uint16_t, Peer> peers_;
  std::map<std::pair<const Port*, std::string>, std::uint16_t> peer_ports_;
  std::uint16_t last_alias_port_ = 0;
};

// "127.0.0.1:8080 (tcp)", for messages.
std::string describe(const PortMapping& mapping);

}  // namespace boxlite::net
