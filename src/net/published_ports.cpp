// SPDX-License-Identifier: Apache-2.0
#include "net/published_ports.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/concat.h"
#include "linux/sockets/port_holder.h"
#include "net/gateway.h"

namespace boxlite::net {
namespace {

constexpr std::chrono::milliseconds retry_pause{1};
// When this process can open no more: its clients wait, and the loop does not spin.
constexpr std::chrono::milliseconds shortage_pause{100};
constexpr int datagrams_per_turn = 64;
constexpr std::uint16_t first_alias_port = 32'768;
constexpr std::chrono::seconds peer_life{120};

const sockaddr* generic(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Error taken_error(const PortMapping& mapping, int os_error) {
  const auto what = concat("publish port ", describe(mapping));
  if (os_error != EADDRINUSE) {
    auto error = syscall_error("bind", describe(mapping), os_error);
    if (os_error == EACCES)
      return std::move(error).with_remedy(
          "ports below 1024 need root or a lower net.ipv4.ip_unprivileged_port_start");
    return error;
  }
  std::string by = "a process that this user cannot see";
  if (const auto holder = linux_::find_port_holder(mapping.host.port, mapping.is_udp))
    by = concat(holder->program, " (pid ", holder->pid, ")");
  return Error(ErrorCode::already_exists, concat(what, ": it is taken by ", by), os_error)
      .with_remedy("choose another port, or let one be chosen: -p BOX_PORT");
}

Result<UniqueFd> bind_socket(const PortMapping& mapping) {
  sockaddr_storage address{};
  const auto size = mapping.host.address.to_sockaddr(mapping.host.port, address);
  UniqueFd socket(::socket(address.ss_family,
                           (mapping.is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail(syscall_error("socket", describe(mapping), errno));
  const int on = 1;
  // Not for UDP, where it would let two have the same port.
  if (!mapping.is_udp) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (mapping.host.address.is_v6()) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), generic(address), size) != 0) return fail(taken_error(mapping, errno));
  if (!mapping.is_udp && ::listen(socket.get(), SOMAXCONN) != 0) return fail(taken_error(mapping, errno));
  return socket;
}

Result<std::uint16_t> port_of_socket(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail(syscall_error("getsockname", "", errno));
  return netpolicy::port_of(address);
}

}  // namespace

std::string describe(const PortMapping& mapping) {
  const auto address = mapping.host.address.str();
  const auto host = mapping.host.address.is_v6() ? concat("[", address, "]") : address;
  return concat(host, ":", mapping.host.port, mapping.is_udp ? "/udp" : "/tcp");
}

Result<std::uint16_t> PublishedPorts::add(const PortMapping& mapping, std::uint16_t preferred) {
  Port port{.mapping = mapping};
  if (mapping.host.port == 0 && preferred != 0) {
    port.mapping.host.port = preferred;
    if (auto bound = bind_socket(port.mapping)) port.socket = *std::move(bound);
    port.mapping.host.port = 0;
  }
  if (!port.socket.is_open()) port.socket = BOXLITE_TRY(bind_socket(port.mapping));
  port.mapping.host.port = BOXLITE_TRY(port_of_socket(port.socket));
  auto& added = ports_.emplace_back(std::move(port));
  if (auto watched = watch(added); !watched) {
    ports_.pop_back();
    return std::unexpected(std::move(watched).error());
  }
  return added.mapping.host.port;
}

Result<void> PublishedPorts::watch(Port& port) {
  port.watch = BOXLITE_TRY(
      loop_.watch(port.socket.get(), gateway_ != nullptr, false, [this, &port](auto) { on_ready(port); }));
  return {};
}

Result<void> PublishedPorts::remove(const PortMapping& mapping) {
  const auto found = std::ranges::find(ports_, mapping, &Port::mapping);
  if (found == ports_.end())
    return fail(ErrorCode::not_found, concat("port ", describe(mapping), " is not published"));
  const auto* const port = &*found;
  std::erase_if(connections_, [port](const auto& connection) { return connection.port == port; });
  std::erase_if(waiting_, [port](const auto& client) { return client.first == port; });
  std::erase_if(peers_, [port](const auto& peer) { return peer.second.port == port; });
  std::erase_if(peer_ports_, [port](const auto& peer) { return peer.first.first == port; });
  ports_.erase(found);
  return {};
}

std::vector<PortMapping> PublishedPorts::list() const {
  std::vector<PortMapping> mappings;
  for (const auto& port : ports_) mappings.push_back(port.mapping);
  return mappings;
}

void PublishedPorts::attach(Gateway& gateway) {
  gateway_ = &gateway;
  gateway.set_datagram_sink([this](std::uint16_t guest_port, std::uint16_t alias_port, ConstBytes payload) {
    return reply(guest_port, alias_port, payload);
  });
  want_clients(true);
}

void PublishedPorts::detach() {
  if (gateway_ == nullptr) return;
  gateway_->set_datagram_sink({});
  gateway_ = nullptr;
  want_clients(false);
  retrying_.reset();
  waiting_.clear();
  connections_.clear();
  peers_.clear();
  peer_ports_.clear();
}

void PublishedPorts::want_clients(bool wanted) {
  for (auto& port : ports_) (void)port.watch.want(wanted, false);
}

void PublishedPorts::on_ready(Port& port) {
  if (gateway_ == nullptr) return;
  port.mapping.is_udp ? receive(port) : accept(port);
}

// ---- TCP
// ---------------------------------------------------------------------------------------------------

// One at a time: slirp lets few wait, and takes one in each turn of the loop.
void PublishedPorts::accept(Port& port) {
  UniqueFd client(::accept4(port.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.is_open()) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause(shortage_pause);
    return;
  }
  if (connections_.size() >= most_connections) return;
  const int on = 1;
  ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!connect(port, std::move(client))) pause(retry_pause);
}

void PublishedPorts::pause(std::chrono::milliseconds length) {
  want_clients(false);
  retrying_ = loop_.after(length, [this] { retry(); });
}

// False: it waits.
bool PublishedPorts::connect(const Port& port, UniqueFd client) {
  auto inside = gateway_->connect_to_guest(port.mapping.box_port);
  if (!inside && inside.error().code() == ErrorCode::timed_out) {
    waiting_.emplace_back(&port, std::move(client));
    return false;
  }
  // Nobody could be told; the client sees the end of its connection.
  if (!inside) return true;
  const auto place = connections_.insert(connections_.end(), Connection{.port = &port});
  auto relay = Relay::create(loop_, std::move(client), *std::move(inside),
                             [this, place] { connections_.erase(place); });
  if (relay) {
    place->relay = *std::move(relay);
  } else {
    connections_.erase(place);
  }
  return true;
}

void PublishedPorts::retry() {
  while (!waiting_.empty()) {
    auto [port, client] = std::move(waiting_.front());
    waiting_.pop_front();
    if (connect(*port, std::move(client))) continue;
    retrying_ = loop_.after(retry_pause, [this] { retry(); });
    return;
  }
  want_clients(true);
}

// ---- UDP
// ---------------------------------------------------------------------------------------------------

void PublishedPorts::receive(Port& port) {
  std::array<std::uint8_t, 65'536> buffer;
  for (int i = 0; i < datagrams_per_turn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const auto count = ::recvfrom(port.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return;
    const auto alias = alias_port_of(
        port, std::string(reinterpret_cast<const char*>(&from), static_cast<std::size_t>(size)));
    gateway_->send_to_guest(alias, port.mapping.box_port, {buffer.data(), static_cast<std::size_t>(count)});
  }
}

std::uint16_t PublishedPorts::alias_port_of(const Port& port, const std::string& address) {
  const auto now = linux_::EventLoop::Clock::now();
  const std::pair key{&port, address};
  if (const auto known = peer_ports_.find(key); known != peer_ports_.end()) {
    peers_[known->second].used = now;
    return known->second;
  }
  if (peers_.size() >= most_udp_peers) {
    const auto oldest =
        std::ranges::min_element(peers_, {}, [](const auto& peer) { return peer.second.used; });
    peer_ports_.erase({oldest->second.port, oldest->second.address});
    peers_.erase(oldest);
  }
  do {
    last_alias_port_ =
        std::max<std::uint16_t>(first_alias_port, static_cast<std::uint16_t>(last_alias_port_ + 1));
  } while (peers_.contains(last_alias_port_));
  peers_[last_alias_port_] = {.port = &port, .address = address, .used = now};
  peer_ports_[key] = last_alias_port_;
  return last_alias_port_;
}

bool PublishedPorts::reply(std::uint16_t guest_port, std::uint16_t alias_port, ConstBytes payload) {
  const auto found = peers_.find(alias_port);
  if (found == peers_.end() || found->second.port->mapping.box_port != guest_port) return false;
  auto& peer = found->second;
  const auto now = linux_::EventLoop::Clock::now();
  if (now - peer.used > peer_life) return false;
  peer.used = now;
  (void)::sendto(peer.port->socket.get(), payload.data(), payload.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(peer.address.data()),
                 static_cast<socklen_t>(peer.address.size()));
  return true;
}

}  // namespace boxlite::net
