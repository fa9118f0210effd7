// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "net/dns/dns_server.h"
#include "net/dns/dns_stream.h"
#include "net/dns/name_table.h"
#include "net/gateway.h"
#include "net/host_networks.h"
#include "net/inspection/inspector.h"
#include "net/link/capture.h"
#include "net/published_ports.h"
#include "net/stream_handler.h"
#include "netpolicy/audit_log.h"
#include "netpolicy/policy.h"
#include "shim/net/network_questions.h"
#include "shimlink/shim_config.h"

namespace boxlite::shim {

// A box's network: the ports of the host that are its, over all its machines, and the gateway of the machine
// that runs. One thread: the loop's.
class Network {
 public:
  // Binds the ports: fails when one is taken. Before the shim enters namespaces of its own, in which root
  // could not bind a low one. The loop, the config and the questions outlive
  // it.
  static Result<std::unique_ptr<Network>> create(linux_::EventLoop& loop, shimlink::ShimConfig& config,
                                                 NetworkQuestions& questions);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // invalid_state without a network; invalid_argument.
  Result<void> set_policy(const netpolicy::PolicySpec& spec);

  // `link`: non-blocking; the cable of a machine that begins. Without a network it is cut.
  Result<void> connect(UniqueFd link);
  // That machine has ended.
  void disconnect();

  // Returns the mapping as it is: with its port. invalid_state without a network.
  Result<shimlink::PortMapping> publish(const shimlink::PortMapping& port);
  Result<void> unpublish(const shimlink::PortMapping& port);
  std::vector<shimlink::PortMapping> ports() const;

  // All frames from now on go to the fifo, until its reader or the box has gone. Several may run at once.
  Result<void> capture(const std::filesystem::path& fifo);

  // What the box must trust for its secrets' sake (PEM); empty without secrets.
  std::string authority_pem() const {
    return interception_ ? interception_->certificate_pem() : std::string();
  }

  // Of all machines so far.
  net::GatewayCounters counters() const;

 private:
  // DNS over TCP.
  class DnsStreams final : public net::StreamHandler {
   public:
    DnsStreams(linux_::EventLoop& loop, net::DnsServer& server) : loop_(loop), server_(server) {}
    void take(UniqueFd guest_side, const netpolicy::Flow& flow) override;

   private:
    linux_::EventLoop& loop_;
    net::DnsServer& server_;
    std::list<std::unique_ptr<net::DnsStream>> streams_;
  };

  // The policy in force, for connections whose name is told later.
  class Judge final : public net::NameJudge {
   public:
    explicit Judge(Network& network) : network_(network) {}
    netpolicy::Verdict decide(const netpolicy::Flow& flow) override { return network_.policy_->decide(flow); }
    netpolicy::Verdict decide_named(const netpolicy::Flow& flow, std::string_view name) override {
      return network_.policy_->decide_named(flow, name);
    }
    void ask(const netpolicy::Flow& flow, std::string_view name,
             std::move_only_function<void(netpolicy::Verdict)> done) override;
    void record(netpolicy::AuditRecord record) override { network_.log_->append(std::move(record)); }

   private:
    Network& network_;
  };

  Network(linux_::EventLoop& loop, shimlink::ShimConfig& config, NetworkQuestions& questions)
      : loop_(loop), config_(config), questions_(questions), ports_(loop) {}
  Result<void> set_up();
  Result<void> set_up_secrets();
  void tap();

  linux_::EventLoop& loop_;
  shimlink::ShimConfig& config_;
  NetworkQuestions& questions_;
  std::shared_ptr<const netpolicy::Policy> policy_;
  std::optional<netpolicy::AuditLog> log_;
  net::NameTable names_;
  net::HostNetworks networks_;
  std::unique_ptr<net::DnsServer> dns_;
  std::optional<DnsStreams> dns_streams_;
  std::unique_ptr<net::Interception> interception_;  // null: no secrets
  net::TcpDialer dialer_;
  Judge judge_{*this};
  std::optional<net::Inspector> inspector_;
  net::PublishedPorts ports_;
  std::unique_ptr<net::Gateway> gateway_;
  std::list<net::Capture> captures_;
  net::GatewayCounters earlier_;  // of machines that have ended
};

}  // namespace boxlite::shim
