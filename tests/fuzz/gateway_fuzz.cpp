// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// The gateway with a real SlirpStack and a small flow table: what a guest, the clients of its published
// ports, its policy and its own servers on the loopback do, in any order. Whatever comes, the flows stay
// within their bounds, nothing reaches a port that the policy refuses, and nothing comes to the guest from a
// datagram's sender whom it did not talk to.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/gateway.h"
#include "net/test_guest.h"
#include "script.h"

using namespace boxlite;

namespace {

constexpr std::size_t most_clients = 24;
// Of a public address, which only who is asked opens, and then a StreamHandler takes it: nothing leaves the
// machine.
constexpr std::uint16_t asked_port = 444;
constexpr net::FlowCapacity capacity{.tcp = 4, .ended_tcp = 2, .udp = 3, .icmp = 2};
constexpr std::size_t most_sockets = 16;

// On the loopback; everything else is refused by all policies here.
class LocalSocket {
 public:
  explicit LocalSocket(int type) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_storage address;
    const auto size = netpolicy::IpAddress::v4(INADDR_LOOPBACK).to_sockaddr(0, address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    if (::bind(socket_.get(), generic, size) != 0 || ::getsockname(socket_.get(), generic, &length) != 0)
      std::abort();
    if (type == SOCK_STREAM && ::listen(socket_.get(), 64) != 0) std::abort();
    port_ = netpolicy::port_of(address);
  }
  int fd() const { return socket_.get(); }
  std::uint16_t port() const { return port_; }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

// What goes on outside of the box, for all inputs.
struct Outside {
  LocalSocket tcp{SOCK_STREAM};
  LocalSocket udp{SOCK_DGRAM};
  LocalSocket stranger{SOCK_DGRAM};  // no rule opens its port
  std::deque<UniqueFd> taken;

  void take_connections() {
    while (true) {
      UniqueFd peer(::accept4(tcp.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!peer.is_open()) break;
      taken.push_back(std::move(peer));
      if (taken.size() > most_clients) taken.pop_front();
    }
  }

  // Answers whoever spoke last, from the port that he spoke to or from that of a stranger.
  void answer_datagrams(bool is_stranger, const std::string& text) {
    std::array<char, 2048> buffer;
    sockaddr_storage from;
    socklen_t size = sizeof from;
    while (::recvfrom(udp.fd(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size) >=
           0) {
      (void)::sendto(is_stranger ? stranger.fd() : udp.fd(), text.data(), text.size(), MSG_NOSIGNAL,
                     reinterpret_cast<sockaddr*>(&from), size);
      size = sizeof from;
    }
    if (::recv(stranger.fd(), buffer.data(), buffer.size(), 0) >= 0) std::abort();
  }
};

// Keeps what it gets, and now and then says something or lets go.
class Streams final : public net::StreamHandler {
 public:
  void take(UniqueFd guest_side, const netpolicy::Flow&) override {
    kept_.push_back(std::move(guest_side));
    if (kept_.size() > most_clients) kept_.pop_front();
  }
  bool wants(const netpolicy::Flow& flow) const override { return flow.port == asked_port; }
  void say(const std::string& text) {
    for (const auto& stream : kept_) (void)::send(stream.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  void let_go() { kept_.clear(); }

 private:
  std::deque<UniqueFd> kept_;
};

class Trial {
 public:
  Trial(Outside& outside, const std::filesystem::path& directory, fuzz::Script& script)
      : outside_(outside), script_(script), loop_(*linux_::EventLoop::create()), guest_(*loop_) {
    gateway_ = *net::Gateway::create(
        *loop_, guest_.take_link(), directory,
        {.policy = policy(script.byte()),
         .names = &names_,
         .dns_streams = &streams_,
         .inspector = &streams_,
         .ask = [this](const netpolicy::Flow&, auto answer) { answers_.push_back(std::move(answer)); }},
        {.flows = capacity, .sockets = most_sockets});
  }

  void run() {
    for (int i = 0; i < 200 && !script_.is_over(); ++i) {
      step(script_.byte());
      if (gateway_->flows() > capacity.tcp + capacity.ended_tcp + capacity.udp + capacity.icmp) std::abort();
    }
    turn();
  }

 private:
  static constexpr std::array<std::uint8_t, 8> flags = {net::TcpFlags::syn,
                                                        net::TcpFlags::ack,
                                                        net::TcpFlags::ack | net::TcpFlags::fin,
                                                        net::TcpFlags::rst,
                                                        net::TcpFlags::syn | net::TcpFlags::ack,
                                                        net::TcpFlags::ack | 8,
                                                        0,
                                                        0xff};

  std::shared_ptr<const netpolicy::Policy> policy(std::uint8_t which) {
    const auto tcp = concat("tcp:127.0.0.1:", outside_.tcp.port());
    const auto udp = concat("udp:127.0.0.1:", outside_.udp.port());
    const std::array<netpolicy::PolicySpec, 5> specs = {
        netpolicy::PolicySpec{.allow = {tcp, udp}}, netpolicy::PolicySpec{.allow = {tcp}},
        netpolicy::PolicySpec{.allow = {udp}}, netpolicy::PolicySpec{.allow = {tcp, udp}, .is_asking = true},
        netpolicy::PolicySpec{.allow = {"none.example"}}};
    return *netpolicy::Policy::create(specs[which % specs.size()]);
  }

  net::Endpoint remote(std::uint8_t which) const {
    const std::array<net::Endpoint, 10> remotes = {
        net::Endpoint{net::host_v4, outside_.tcp.port()},
        {net::host_v4, outside_.udp.port()},
        {net::host_v6, outside_.tcp.port()},
        {net::gateway_v4, net::dns_port},
        {net::gateway_v6, net::dns_port},
        {net::host_v4, outside_.stranger.port()},
        {net::inspection_end.address, net::inspection_end.port},
        {netpolicy::IpAddress::v4(0x0a010203), 443},
        {netpolicy::IpAddress::v4(0xc6336407), asked_port},
        {netpolicy::IpAddress::v4(INADDR_LOOPBACK), outside_.udp.port()}};
    return remotes[which % remotes.size()];
  }

  void step(std::uint8_t what) {
    switch (what % 16) {
      case 0:
      case 1: return open();
      case 2:
      case 3: return segment();
      case 4:
        return guest_.send(
            net::TestPackets::udp(port(), remote(script_.byte()), script_.bytes(script_.byte() % 32)));
      case 5: return guest_.send(net::TestPackets::echo(remote(script_.byte()).address, script_.byte()));
      case 6: return come_in();
      case 7: return gateway_->set_policy(policy(script_.byte()));
      case 8: return answer();
      case 9: return outside_.answer_datagrams((script_.byte() & 1) != 0, "hello");
      case 10: return streams_.say(script_.bytes(script_.byte()));
      case 11: return (script_.byte() & 1) != 0 ? streams_.let_go() : clients_.clear();
      case 12: return guest_.send(frame());
      case 13: return gateway_->send_to_guest(port(), port(), bytes_of(script_.bytes(script_.byte())));
      case 14: return pass_time(script_.byte());
      default: return turn();
    }
  }

  std::uint16_t port() { return static_cast<std::uint16_t>(2000 + script_.byte() % 8); }

  static net::ConstBytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  // Mostly a connection gets through its handshake; the guest answers what comes in.
  void open() {
    guest_.send(net::TestPackets::tcp({.from = port(),
                                       .to = remote(script_.byte()),
                                       .sequence = net::TestGuest::first_sequence,
                                       .flags = net::TcpFlags::syn}));
    turn();
  }

  void segment() {
    const auto which = script_.byte();
    net::TestSegment segment{
        .from = port(), .to = remote(script_.byte()), .flags = flags[which % flags.size()]};
    const auto known = last_.find({segment.from, segment.to.port});
    segment.sequence = net::TestGuest::first_sequence + 1 + script_.byte();
    segment.acknowledged = known == last_.end() ? script_.byte() : known->second;
    if ((which & 0x80) != 0) segment.payload = script_.bytes(script_.byte() % 64);
    guest_.send(net::TestPackets::tcp(segment));
  }

  void pass_time(std::uint8_t how_much) {
    constexpr std::array<std::int64_t, 6> seconds = {1, 11, 31, 121, 300, 90'000};
    fuzz::seconds_ahead += seconds[how_much % seconds.size()];
    turn();
  }

  void come_in() {
    auto client = gateway_->connect_to_guest(port());
    if (client) clients_.push_back(*std::move(client));
    if (clients_.size() > most_clients) clients_.pop_front();
  }

  void answer() {
    if (answers_.empty()) return;
    auto one = std::move(answers_.front());
    answers_.pop_front();
    one((script_.byte() & 1) != 0);
  }

  // A frame with some bytes of it changed, its checksums right or wrong.
  std::string frame() {
    auto text = net::TestPackets::udp(port(), remote(script_.byte()), script_.bytes(16));
    for (auto changes = script_.byte() % 4; changes > 0; --changes)
      text[script_.byte() % text.size()] = static_cast<char>(script_.byte());
    return text;
  }

  void turn() {
    for (int i = 0; i < 2; ++i) (void)loop_->run_once(Deadline::after(std::chrono::milliseconds(0)));
    outside_.take_connections();
    while (auto text = guest_.next()) look_at(*text);
  }

  void look_at(std::string& text) {
    const auto packet = net::TestGuest::parse(text);
    if (!packet) return;
    if (packet->is(net::IpProtocol::udp) && packet->source_port == outside_.stranger.port()) std::abort();
    if (!packet->is(net::IpProtocol::tcp)) return;
    last_[{packet->destination_port, packet->source_port}] = packet->tcp_sequence + packet->tcp_length();
    // Somebody comes in: accepted, refused or ignored.
    if (!packet->begins_tcp() || packet->is_v6) return;
    const auto how = script_.byte() % 3;
    if (how == 2) return;
    guest_.send(net::TestPackets::tcp(
        {.from = packet->destination_port,
         .to = {packet->source, packet->source_port},
         .sequence = net::TestGuest::first_sequence,
         .acknowledged = packet->tcp_sequence + 1,
         .flags = static_cast<std::uint8_t>(net::TcpFlags::ack |
                                            (how == 0 ? net::TcpFlags::syn : net::TcpFlags::rst))}));
  }

  Outside& outside_;
  fuzz::Script& script_;
  std::unique_ptr<linux_::EventLoop> loop_;
  net::TestGuest guest_;
  Streams streams_;
  net::NameTable names_;
  std::deque<std::move_only_function<void(bool)>> answers_;
  std::unique_ptr<net::Gateway> gateway_;
  std::deque<UniqueFd> clients_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint32_t>
      last_;  // by ports: what the guest acknowledges
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Outside outside;
  static const auto directory = *TempDir::create("/tmp", "gateway-fuzz-");
  fuzz::Script script(data, size);
  Trial(outside, directory.path(), script).run();
  outside.taken.clear();
  return 0;
}
