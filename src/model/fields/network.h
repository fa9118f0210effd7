// SPDX-License-Identifier: Apache-2.0
// What of the network a box has, and what it did with it. Homes hold the keys of NetworkSpec: they stay.
#pragma once

#include <boxlite/network.hpp>
#include <boxlite/network_log.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<PublishedPort> auto& port) {
  field("host_address", port.host_address);
  field("host_port", port.host_port);
  field("box_port", port.box_port);
  field("is_udp", IsUdp{port.protocol});
}

void describe(auto& field, Of<ExposedPort> auto& exposed) {
  field("port", exposed.port);
  field("is_udp", IsUdp{exposed.protocol});
}

void describe(auto& field, Of<HostEntry> auto& host) {
  field("name", host.name);
  field("address", host.address);
}

void describe(auto& field, Of<DnsSettings> auto& dns) {
  field("servers", dns.servers);
  field("search", dns.search);
  field("options", dns.options);
}

void describe(auto& field, Of<NetworkPolicy> auto& policy) {
  field("allow", policy.allow);
  field("deny", policy.deny);
  field("ask", policy.ask);
}

void describe(auto& field, Of<NetworkSpec> auto& network) {
  field("is_enabled", network.is_enabled);
  field("allow", network.allow);
  field("deny", network.deny);
  field("is_asking", network.ask);
  field("ports", network.ports);
  field("exposed", network.exposed);
  field("publish_exposed", network.publish_exposed);
  field("hosts", network.hosts);
  field("dns", network.dns);
  field("send_limit_kbit", network.send_limit_kbit);
  field("receive_limit_kbit", network.receive_limit_kbit);
}

void describe(auto& field, Of<NetworkRequest> auto& request) {
  field("protocol", request.protocol);
  field("address", request.address);
  field("port", request.port);
  field("names", request.names);
}

void describe(auto& field, Of<TunnelTarget> auto& target) {
  field("port", target.port);
  field("unix_path", target.unix_path);
}

void describe(auto& field, Of<NetworkLogOptions> auto& options) {
  field("follow", options.follow);
  field("tail", options.tail);
}

void describe(auto& field, Of<NetworkRecord> auto& record) {
  field("time", record.time);
  field("type", record.type);
  field("protocol", record.protocol);
  field("name", record.name);
  field("address", record.address);
  field("port", record.port);
  field("verdict", record.verdict);
  field("rule", record.rule);
  field("reason", record.reason);
  field("sent", record.sent_bytes);
  field("received", record.received_bytes);
  field("duration_ms", record.duration);
  field("count", record.count);
}

}  // namespace boxlite::model
