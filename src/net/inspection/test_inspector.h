// SPDX-License-Identifier: Apache-2.0
// For tests: the whole inspection on one loop, with a client and a server of this process and a real TLS
// library at both ends.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "net/inspection/inspector.h"
#include "net/inspection/test_dialer.h"

namespace boxlite::net {

inline constexpr std::string_view value = "the-real-value-of-it";
inline constexpr std::string_view placeholder = "<BOXLITE_SECRET:key>";

class PolicyJudge : public NameJudge {
 public:
  explicit PolicyJudge(const netpolicy::PolicySpec& spec) : policy(*netpolicy::Policy::create(spec)) {}
  netpolicy::Verdict decide(const netpolicy::Flow& flow) override { return policy->decide(flow); }
  netpolicy::Verdict decide_named(const netpolicy::Flow& flow, std::string_view name) override {
    return policy->decide_named(flow, name);
  }
  void ask(const netpolicy::Flow&, std::string_view,
           std::move_only_function<void(netpolicy::Verdict)> done) override {
    question = std::move(done);
  }
  void record(netpolicy::AuditRecord record) override { records.push_back(std::move(record)); }
  std::string last_reason() const { return records.empty() ? "" : records.back().reason; }

  std::shared_ptr<const netpolicy::Policy> policy;
  std::vector<netpolicy::AuditRecord> records;
  std::move_only_function<void(netpolicy::Verdict)> question;
};

class InspectorTest : public ::testing::Test {
 protected:
  // `allow` empty: everything.
  void begin(std::vector<std::string> allow, bool has_secret) {
    judge_.emplace(netpolicy::PolicySpec{.allow = std::move(allow)});
    if (has_secret) {
      std::vector<netpolicy::Secret> secrets;
      secrets.push_back(*netpolicy::Secret::create({"key", {"api.test"}, ""}, netpolicy::SecretValue(value)));
      interception_ = *Interception::create(*netpolicy::SecretSet::create(std::move(secrets)),
                                            {dir_.path() / "ca.pem", *read_file(dir_.path() / "world.pem")});
    }
    inspector_.emplace(*loop_, dialer_, *judge_, interception_.get());
  }

  void begin_denying(std::vector<std::string> deny) {
    judge_.emplace(netpolicy::PolicySpec{.deny = std::move(deny)});
    inspector_.emplace(*loop_, dialer_, *judge_, nullptr);
  }

  // The guest's end of a connection to an address of the Internet that goes by these names.
  std::unique_ptr<SocketChannel> connect(std::uint16_t port, std::vector<std::string> names) {
    auto pair = *linux_::unix_socket_pair();
    EXPECT_TRUE(linux_::set_non_blocking(pair.first.get()));
    EXPECT_TRUE(linux_::set_non_blocking(pair.second.get()));
    const netpolicy::Flow flow{.destination = *netpolicy::IpAddress::parse("93.184.216.34"),
                               .port = port,
                               .names = std::move(names)};
    inspector_->take(std::move(pair.first), flow);
    return *SocketChannel::adopt(*loop_, std::move(pair.second));
  }
  std::unique_ptr<SocketChannel> accept() {
    turn_until([&] { return !dialer_.far.empty(); });
    if (dialer_.far.empty()) return nullptr;
    auto channel = *SocketChannel::adopt(*loop_, std::move(dialer_.far.front()));
    dialer_.far.pop_front();
    return channel;
  }

  // The guest's client trusts the box's authority and nothing else.
  std::unique_ptr<TlsStream> guest_tls(const std::string& host, const std::vector<std::string>& protocols) {
    guest_client_.emplace(*TlsClient::create(interception_->certificate_pem()));
    return *TlsStream::create(*guest_client_->begin(host, protocols), connect(443, {host}));
  }
  std::unique_ptr<TlsStream> server_tls(const std::string& host, std::string_view protocol) {
    auto socket = accept();
    if (!socket) return nullptr;
    return *TlsStream::create(*world_.begin(host, protocol, now()), std::move(socket));
  }

  template <typename Predicate>
  bool turn_until(Predicate predicate) {
    const auto deadline = Deadline::after(std::chrono::seconds(10));
    while (!predicate()) {
      const auto handled = loop_->run_once(deadline);
      if (!handled || (!*handled && deadline.has_passed())) return false;
    }
    return true;
  }
  static std::string take(Channel& channel) {
    const std::string bytes(channel.input());
    channel.consume(bytes.size());
    return bytes;
  }
  // What comes until it holds `end`.
  std::string read_until(Channel& channel, std::string_view end) {
    std::string bytes;
    turn_until([&] {
      bytes += take(channel);
      return bytes.find(end) != std::string::npos || channel.failure() || channel.has_ended();
    });
    return bytes;
  }
  bool is_cut(Channel& channel) {
    return turn_until([&] { return channel.failure() || channel.has_ended(); });
  }

  TempDir dir_ = *TempDir::create("/tmp", "inspector-test-");
  std::unique_ptr<linux_::EventLoop> loop_ = *linux_::EventLoop::create();
  TlsServer world_ = make_world();
  PairDialer dialer_;
  std::optional<PolicyJudge> judge_;
  std::unique_ptr<Interception> interception_;
  std::optional<TlsClient> guest_client_;
  std::optional<Inspector> inspector_;

 private:
  TlsServer make_world() const {
    auto authority = *CertificateAuthority::create(now());
    EXPECT_TRUE(write_file_atomic(dir_.path() / "world.pem", authority.certificate_pem()));
    return *TlsServer::create(std::move(authority));
  }
};

}  // namespace boxlite::net
