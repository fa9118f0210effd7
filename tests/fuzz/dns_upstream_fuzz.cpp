// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// A guest's name server between two that mean it no good: the guest asks by datagrams and over a connection
// whatever it likes, and the host's name server answers by any bytes, other questions, wrong ids, truncated,
// in pieces, late or not at all. Whatever comes, an answer is one to its question, is given once, and tells
// no address that the policy keeps.
#include <array>
#include <cstdlib>
#include <map>

#include <netinet/in.h>
#include <sys/socket.h>

#include "linux/sockets/unix_socket.h"
#include "net/dns/dns_server.h"
#include "net/dns/dns_stream.h"
#include "script.h"

using namespace boxlite;

namespace {

constexpr std::size_t most_text = 200;

// The host's.
class Upstream {
 public:
  // Another process may have the port for TCP that was free for UDP.
  Upstream() {
    for (int i = 0; !open(); ++i) {
      if (i == 100) std::abort();
    }
  }
  net::NameServer address() const {
    return {.address = netpolicy::IpAddress::v4(INADDR_LOOPBACK), .port = port_};
  }

  // By the script, to all that has come.
  void answer(fuzz::Script& script) {
    std::array<char, 2048> buffer;
    sockaddr_storage from;
    socklen_t size = sizeof from;
    auto* const generic = reinterpret_cast<sockaddr*>(&from);
    ssize_t count = 0;
    while ((count = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, generic, &size)) >= 0) {
      const auto reply = made({buffer.data(), static_cast<std::size_t>(count)}, script, true);
      (void)::sendto(udp_.get(), reply.data(), reply.size(), MSG_NOSIGNAL, generic, size);
    }
    answer_streams(script);
  }

  void hang_up() { streams_.clear(); }

  // For the next input.
  void forget() {
    char byte = 0;
    while (::recv(udp_.get(), &byte, 1, 0) >= 0) continue;
    while (UniqueFd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC)).is_open()) continue;
    hang_up();
  }

 private:
  bool open() {
    port_ = 0;
    for (auto* const socket : {&udp_, &tcp_}) {
      const int type = socket == &udp_ ? SOCK_DGRAM : SOCK_STREAM;
      *socket = UniqueFd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      sockaddr_storage address;
      auto size = netpolicy::IpAddress::v4(INADDR_LOOPBACK).to_sockaddr(port_, address);
      auto* const generic = reinterpret_cast<sockaddr*>(&address);
      if (::bind(socket->get(), generic, size) != 0 || ::getsockname(socket->get(), generic, &size) != 0)
        return false;
      port_ = netpolicy::port_of(address);
    }
    return ::listen(tcp_.get(), 16) == 0;
  }

  void answer_streams(fuzz::Script& script) {
    while (true) {
      UniqueFd stream(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!stream.is_open()) break;
      streams_.push_back(std::move(stream));
    }
    std::array<char, 2048> buffer;
    for (const auto& stream : streams_) {
      const auto count = ::recv(stream.get(), buffer.data(), buffer.size(), 0);
      if (count <= 2) continue;
      auto reply = made({buffer.data() + 2, static_cast<std::size_t>(count) - 2}, script, false);
      const auto length = reply.size() + (script.byte() % 8 == 0 ? script.byte() : 0u);
      reply.insert(0, {static_cast<char>(length >> 8), static_cast<char>(length)});
      (void)::send(stream.get(), reply.data(), script.byte() % 4 == 0 ? reply.size() / 2 : reply.size(),
                   MSG_NOSIGNAL);
    }
  }

  static std::string made(std::string_view query, fuzz::Script& script, bool is_datagram) {
    const auto how = script.byte();
    if (how % 8 == 0) return script.bytes(script.byte());
    const auto asked = net::parse_dns_message(query);
    if (!asked) std::abort();
    net::DnsMessage reply{.id = asked->id, .is_response = how % 8 != 1, .questions = asked->questions};
    if (how % 8 == 2) ++reply.id;
    if (how % 8 == 3) reply.questions.clear();
    reply.is_truncated = is_datagram && how % 8 == 4;
    reply.rcode = (how & 0x40) != 0 ? script.byte() % 16 : 0;
    for (auto records = script.byte() % 4; records > 0; --records)
      reply.answers.push_back(record(asked->questions.front(), script));
    auto text = net::encode(reply);
    for (auto changes = (how & 0x80) != 0 ? script.byte() % 4 : 0; changes > 0; --changes)
      text[script.byte() % text.size()] = static_cast<char>(script.byte());
    return text;
  }

  static net::DnsRecord record(const net::DnsQuestion& question, fuzz::Script& script) {
    auto bytes = script.bytes(4);
    bytes.resize(4);
    const std::array<netpolicy::IpAddress, 4> addresses = {
        netpolicy::IpAddress::v4(0x0a000001), *netpolicy::IpAddress::parse("2001:db8::1"),
        netpolicy::IpAddress::v4(0xc0000201),
        *netpolicy::IpAddress::from_bytes({reinterpret_cast<const std::uint8_t*>(bytes.data()), 4})};
    return net::address_record(question.name, addresses[script.byte() % addresses.size()], script.byte());
  }

  UniqueFd udp_;
  UniqueFd tcp_;
  std::uint16_t port_ = 0;
  std::vector<UniqueFd> streams_;
};

class Trial {
 public:
  Trial(Upstream& upstream, fuzz::Script& script)
      : upstream_(upstream),
        script_(script),
        loop_(*linux_::EventLoop::create()),
        policy_(*netpolicy::Policy::create({.deny = {"denied.example"}})),
        server_(*loop_, names_, nullptr, policy_,
                {.hosts_file = "/dev/null", .resolver = {.servers = {upstream.address()}}}) {
    auto pair = *linux_::unix_socket_pair();
    guest_ = std::move(pair.first);
    (void)linux_::set_non_blocking(guest_.get());
    stream_ = *net::DnsStream::create(*loop_, server_, std::move(pair.second), [this] { stream_.reset(); });
  }

  void run() {
    for (int i = 0; i < 100 && !script_.is_over(); ++i) step(script_.byte());
    for (int i = 0; i < 4; ++i) turn();
  }

 private:
  void step(std::uint8_t what) {
    switch (what % 8) {
      case 0: return ask_by_datagram(query());
      case 1: return ask_over_stream(query());
      case 2: return ask_over_stream(script_.bytes(script_.byte() % most_text));
      case 3: return ask_by_datagram(script_.bytes(script_.byte() % most_text));
      case 4: fuzz::seconds_ahead += script_.byte() % 4; return turn();
      case 5: return upstream_.hang_up();
      default: upstream_.answer(script_); return turn();
    }
  }

  std::string query() {
    static constexpr std::array<const char*, 5> names = {"a.example", "b.a.example", "denied.example",
                                                         "localhost", "x.boxlite.internal"};
    const auto which = script_.byte();
    net::DnsMessage message{.id = script_.byte()};
    message.questions = {{.name = *net::DnsName::from_host_name(names[which % names.size()]),
                          .type = (which & 0x80) != 0 ? net::dns_type::aaaa : net::dns_type::a}};
    if ((which & 0x40) != 0) message.edns_size = 1232;
    return net::encode(message);
  }

  void ask_by_datagram(const std::string& text) {
    server_.answer(text, net::DnsServer::Transport::udp,
                   [this, text, count = 0](const std::string& reply) mutable {
                     if (++count > 1 || reply.size() > 1400) std::abort();
                     look_at(reply);
                     if (reply.substr(0, 2) != text.substr(0, 2)) std::abort();
                   });
  }

  void ask_over_stream(std::string text) {
    text.insert(0, {static_cast<char>(text.size() >> 8), static_cast<char>(text.size())});
    (void)::send(guest_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void look_at(std::string_view reply) const {
    const auto message = net::parse_dns_message(reply);
    if (!message || !message->is_response) std::abort();
    for (const auto& record : message->answers) {
      const auto address = record.address();
      const bool is_local = address && address->scope() == netpolicy::Scope::loopback &&
                            message->questions.size() == 1 &&
                            message->questions.front().name.text() == "localhost";
      if (address && !is_local && !policy_->admits_answer(*address)) std::abort();
    }
  }

  void turn() {
    (void)loop_->run_once(Deadline::after(std::chrono::milliseconds(0)));
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while ((count = ::recv(guest_.get(), buffer.data(), buffer.size(), 0)) > 0)
      heard_.append(buffer.data(), static_cast<std::size_t>(count));
    while (heard_.size() >= net::dns_length_size &&
           heard_.size() >= net::dns_length_size + net::dns_length_in(heard_)) {
      look_at(std::string_view(heard_).substr(net::dns_length_size, net::dns_length_in(heard_)));
      heard_.erase(0, net::dns_length_size + net::dns_length_in(heard_));
    }
    if (server_.open_questions() > net::HostResolver::most_open) std::abort();
  }

  Upstream& upstream_;
  fuzz::Script& script_;
  std::unique_ptr<linux_::EventLoop> loop_;
  net::NameTable names_;
  std::shared_ptr<const netpolicy::Policy> policy_;
  net::DnsServer server_;
  UniqueFd guest_;
  std::unique_ptr<net::DnsStream> stream_;
  std::string heard_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Upstream upstream;
  fuzz::Script script(data, size);
  Trial(upstream, script).run();
  upstream.forget();
  return 0;
}
