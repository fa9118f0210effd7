// SPDX-License-Identifier: Apache-2.0
#include "shim/net/network.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/concat.h"
#include "base/files.h"
#include "linux/process/process_identity.h"
#include "netpolicy/rule.h"
#include "shim/session/file_limit.h"
#include "shimlink/shim_record.h"
#include "wire/network_plan.h"

namespace boxlite::shim {
namespace {

constexpr std::uint64_t bytes_per_kbit = 125;
constexpr std::size_t most_dns_streams = 32;
constexpr std::size_t most_captures = 8;
constexpr std::string_view authority_file_name = "ca.pem";

Result<net::PortMapping> mapping_of(const shimlink::PortMapping& port) {
  const auto address = netpolicy::IpAddress::parse(port.host_address);
  if (!address)
    return fail(ErrorCode::invalid_argument,
                concat("publish port: ", in_quotes(port.host_address), " is not an address"));
  return net::PortMapping{
      .host = {*address, port.host_port}, .box_port = port.box_port, .is_udp = port.is_udp};
}

shimlink::PortMapping to_config(const net::PortMapping& mapping) {
  return {.host_address = mapping.host.address.str(),
          .host_port = mapping.host.port,
          .box_port = mapping.box_port,
          .is_udp = mapping.is_udp};
}

Result<netpolicy::IpAddress> address_of(std::string_view text) {
  if (const auto address = netpolicy::IpAddress::parse(text)) return *address;
  return fail(ErrorCode::invalid_argument, concat("network: ", in_quotes(text), " is not an address"));
}

// What the box was told when it was made comes before our own names, which it may not change.
Result<net::DnsServer::Settings> dns_settings(const shimlink::NetworkConfig& config, net::NameTable& names) {
  net::DnsServer::Settings settings;
  for (const auto& host : config.hosts) {
    const auto address = BOXLITE_TRY(address_of(host.address));
    const auto name = netpolicy::normal_name(host.name);
    const auto known = std::ranges::find(settings.names, name, &net::LocalName::name);
    if (known == settings.names.end()) {
      settings.names.push_back({.name = name, .addresses = {address}});
    } else {
      known->addresses.push_back(address);
    }
    names.fix(name, address);
  }
  for (const auto name : {wire::host_name, wire::docker_host_name}) {
    settings.names.push_back({.name = std::string(name),
                              .addresses = {*netpolicy::IpAddress::from_bytes(wire::host_v4),
                                            netpolicy::IpAddress::v6(wire::host_v6)}});
  }
  for (const auto& server : config.name_servers) {
    const auto address = BOXLITE_TRY(address_of(server));
    settings.resolver.servers.push_back({.address = address});
  }
  return settings;
}

// Its shim lets nobody look at its sockets, but says what they are.
std::optional<std::string> box_with_port(const std::filesystem::path& home,
                                         const shimlink::PortMapping& port) {
  for (const auto& box : entries_of(home / "boxes")) {
    const auto record = shimlink::read_shim_record(box);
    if (!record || !linux_::is_running(record->shim)) continue;
    const bool has_it = std::ranges::any_of(record->ports, [&](const shimlink::PortMapping& other) {
      return other.host_port == port.host_port && other.is_udp == port.is_udp;
    });
    if (has_it) return box.filename();
  }
  return std::nullopt;
}

}  // namespace

void Network::DnsStreams::take(UniqueFd guest_side, const netpolicy::Flow&) {
  if (streams_.size() >= most_dns_streams) return;
  const auto place = streams_.insert(streams_.end(), nullptr);
  auto stream =
      net::DnsStream::create(loop_, server_, std::move(guest_side), [this, place] { streams_.erase(place); });
  if (stream) {
    *place = *std::move(stream);
  } else {
    streams_.erase(place);
  }
}

Result<std::unique_ptr<Network>> Network::create(linux_::EventLoop& loop, shimlink::ShimConfig& config,
                                                 NetworkQuestions& questions) {
  std::unique_ptr<Network> network(new Network(loop, config, questions));
  BOXLITE_TRY(network->set_up());
  return network;
}

Network::~Network() {
  disconnect();
}

Result<void> Network::set_up() {
  const auto& wanted = config_.network;
  policy_ = BOXLITE_TRY(netpolicy::Policy::create({.is_enabled = wanted.is_enabled,
                                                   .allow = wanted.allow,
                                                   .deny = wanted.deny,
                                                   .is_asking = wanted.is_asking}));
  if (!wanted.is_enabled) return {};
  for (const auto& port : wanted.ports) BOXLITE_TRY(publish(port));
  log_.emplace(config_.box_dir / netpolicy::audit_file_name);
  auto settings = BOXLITE_TRY(dns_settings(wanted, names_));
  settings.networks = &networks_;
  dns_ = std::make_unique<net::DnsServer>(loop_, names_, &*log_, policy_, std::move(settings));
  dns_streams_.emplace(loop_, *dns_);
  BOXLITE_TRY_CONTEXT("set up the box's secrets", set_up_secrets());
  inspector_.emplace(loop_, dialer_, judge_, interception_.get());
  return {};
}

Result<void> Network::set_up_secrets() {
  if (config_.network.secrets.empty()) return {};
  std::vector<netpolicy::Secret> secrets;
  for (auto& secret : config_.network.secrets) {
    secrets.push_back(BOXLITE_TRY(netpolicy::Secret::create(
        {.name = secret.name, .hosts = secret.hosts, .placeholder = secret.placeholder},
        netpolicy::SecretValue(secret.value))));
    netpolicy::wipe(secret.value);
  }
  auto set = BOXLITE_TRY(netpolicy::SecretSet::create(std::move(secrets)));
  interception_ = BOXLITE_TRY(
      net::Interception::create(std::move(set), {.authority = config_.box_dir / authority_file_name,
                                                 .extra_authorities = config_.network.secret_authorities}));
  return {};
}

// The question is about the name, which the flow is known by from now on.
void Network::Judge::ask(const netpolicy::Flow& flow, std::string_view name,
                         std::move_only_function<void(netpolicy::Verdict)> done) {
  auto named = flow;
  if (!name.empty()) named.names = {std::string(name)};
  network_.questions_.ask(named, [done = std::move(done)](bool is_allowed) mutable {
    using enum netpolicy::Decision;
    done({.decision = is_allowed ? allow : deny,
          .reason = is_allowed ? "allowed by who was asked" : "refused by who was asked"});
  });
}

Result<void> Network::connect(UniqueFd link) {
  if (!config_.network.is_enabled) return {};
  gateway_ = BOXLITE_TRY(net::Gateway::create(
      loop_, std::move(link), config_.box_dir,
      {.policy = policy_,
       .names = &names_,
       .networks = &networks_,
       .dns = dns_.get(),
       .dns_streams = &*dns_streams_,
       .inspector = &*inspector_,
       .log = &*log_,
       .ask = [this](const netpolicy::Flow& flow, auto answer) { questions_.ask(flow, std::move(answer)); }},
      {.sockets = socket_limit()}));
  gateway_->set_limits({.sent_bytes_per_second = config_.network.send_limit_kbit * bytes_per_kbit,
                        .received_bytes_per_second = config_.network.receive_limit_kbit * bytes_per_kbit});
  ports_.attach(*gateway_);
  tap();
  return {};
}

Result<void> Network::set_policy(const netpolicy::PolicySpec& spec) {
  if (!config_.network.is_enabled)
    return fail(ErrorCode::invalid_state, "set network policy: the box has no network");
  policy_ = BOXLITE_TRY(netpolicy::Policy::create(spec));
  dns_->set_policy(policy_);
  if (gateway_) gateway_->set_policy(policy_);
  questions_.forget(*policy_);
  log_->append({.kind = netpolicy::AuditRecord::Kind::policy,
                .reason = concat(spec.allow.size(), " allow and ", spec.deny.size(), " deny rules",
                                 spec.is_asking ? "; asking" : "")});
  return {};
}

void Network::disconnect() {
  if (!gateway_) return;
  earlier_ = counters();
  ports_.detach();
  gateway_.reset();
}

Result<shimlink::PortMapping> Network::publish(const shimlink::PortMapping& port) {
  if (!config_.network.is_enabled) {
    return fail(Error(ErrorCode::invalid_state, "publish port: the box has no network")
                    .with_remedy("make it without --network none"));
  }
  auto mapping = BOXLITE_TRY(mapping_of(port));
  auto added = ports_.add(mapping, port.preferred_port);
  if (!added && added.error().code() == ErrorCode::already_exists) {
    if (const auto box = box_with_port(config_.home, port))
      return fail(
          Error(ErrorCode::already_exists, concat("publish port ", port.host_address, ":", port.host_port,
                                                  ": it is taken by box ", in_quotes(*box)))
              .with_remedy("choose another port, or let one be chosen: -p BOX_PORT"));
  }
  mapping.host.port = BOXLITE_TRY(std::move(added));
  return to_config(mapping);
}

Result<void> Network::unpublish(const shimlink::PortMapping& port) {
  const auto mapping = BOXLITE_TRY(mapping_of(port));
  return ports_.remove(mapping);
}

std::vector<shimlink::PortMapping> Network::ports() const {
  std::vector<shimlink::PortMapping> ports;
  for (const auto& mapping : ports_.list()) ports.push_back(to_config(mapping));
  return ports;
}

Result<void> Network::capture(const std::filesystem::path& fifo) {
  if (!config_.network.is_enabled)
    return fail(ErrorCode::invalid_state, "capture packets: the box has no network");
  if (captures_.size() >= most_captures)
    return fail(ErrorCode::resource_exhausted,
                concat("capture packets: ", most_captures, " captures run already"));
  captures_.push_back(BOXLITE_TRY(net::Capture::open(fifo)));
  tap();
  return {};
}

void Network::tap() {
  if (!gateway_) return;
  if (captures_.empty()) return gateway_->set_tap({});
  gateway_->set_tap([this](net::ConstBytes frame, bool) {
    captures_.remove_if([frame](auto& capture) { return !capture.write(frame); });
  });
}

net::GatewayCounters Network::counters() const {
  auto total = earlier_;
  if (!gateway_) return total;
  const auto& now = gateway_->counters();
  total.sent_bytes += now.sent_bytes;
  total.sent_packets += now.sent_packets;
  total.received_bytes += now.received_bytes;
  total.received_packets += now.received_packets;
  total.connections += now.connections;
  total.refusals += now.refusals;
  total.dropped += now.dropped;
  return total;
}

}  // namespace boxlite::shim
