// SPDX-License-Identifier: Apache-2.0
// What of the network changes while the box runs.
#include "shim/roles/shim.h"

namespace boxlite::shim {
namespace {

shimlink::PortMapping port_of(const wire::msg::Port& port) {
  return {.host_address = port.host_address(),
          .host_port = static_cast<std::uint16_t>(port.host_port()),
          .box_port = static_cast<std::uint16_t>(port.box_port()),
          .is_udp = port.udp()};
}

}  // namespace

void Shim::publish(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::PublishRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  if (has_finished_ || !network_) return mux_->answer(call, not_running_error("publish a port of"));
  const auto port = network_->publish(port_of(request->port()));
  if (!port) return mux_->answer(call, port.error());
  record_.ports = network_->ports();
  write_shim_record();
  wire::msg::PublishResponse response;
  *response.mutable_port() = request->port();
  response.mutable_port()->set_host_port(port->host_port);
  mux_->answer(call, response);
}

void Shim::unpublish(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::UnpublishRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  if (has_finished_ || !network_) return mux_->answer(call, not_running_error("withdraw a port of"));
  if (const auto done = network_->unpublish(port_of(request->port())); !done)
    return mux_->answer(call, done.error());
  record_.ports = network_->ports();
  write_shim_record();
  mux_->answer(call, wire::msg::UnpublishResponse());
}

void Shim::set_network_policy(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::SetNetworkPolicyRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  if (has_finished_ || !network_) return mux_->answer(call, not_running_error("set the network policy of"));
  const auto set = network_->set_policy({.allow = {request->allow().begin(), request->allow().end()},
                                         .deny = {request->deny().begin(), request->deny().end()},
                                         .is_asking = request->ask()});
  if (!set) return mux_->answer(call, set.error());
  mux_->answer(call, wire::msg::SetNetworkPolicyResponse());
}

void Shim::answer_network_counters(const ShimCall& call) {
  wire::msg::NetworkCountersResponse response;
  const auto counters = network_ ? network_->counters() : net::GatewayCounters();
  response.set_sent_bytes(counters.sent_bytes);
  response.set_sent_packets(counters.sent_packets);
  response.set_received_bytes(counters.received_bytes);
  response.set_received_packets(counters.received_packets);
  response.set_connections(counters.connections);
  response.set_refusals(counters.refusals);
  response.set_dropped_packets(counters.dropped);
  mux_->answer(call, response);
}

void Shim::capture(const ShimCall& call) {
  const auto request = wire::parse<wire::msg::CaptureRequest>(call.payload);
  if (!request) return mux_->answer(call, request.error());
  if (has_finished_ || !network_) return mux_->answer(call, not_running_error("capture the packets of"));
  if (const auto begun = network_->capture(request->fifo()); !begun) return mux_->answer(call, begun.error());
  mux_->answer(call, wire::msg::CaptureResponse());
}

}  // namespace boxlite::shim
