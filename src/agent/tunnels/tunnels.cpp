// SPDX-License-Identifier: Apache-2.0
#include "agent/tunnels/tunnels.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "wire/method.h"

namespace boxlite::agent {

Result<void> Tunnels::start(std::uint32_t stream, const wire::msg::Request& request) {
  if (request.method() == wire::TunnelsListen::name) return host_sockets_.offer_on(around_.channel, stream);
  if (request.method() != wire::TunnelsConnect::name)
    return fail(ErrorCode::unsupported,
                concat("the agent has no method Tunnels.", in_quotes(request.method())));
  const auto call = BOXLITE_TRY(wire::parse<wire::msg::TunnelRequest>(request.payload()));
  if (tunnels_.size() >= most) {
    return fail(Error(ErrorCode::resource_exhausted,
                      concat("there are ", most, " tunnels into this box, and there may be no more"))
                    .with_remedy("end some of them"));
  }
  auto tunnel = std::make_unique<Tunnel>(around_, stream, BOXLITE_TRY(target_of(call)));
  auto& placed = *tunnels_.emplace(stream, std::move(tunnel)).first->second;
  auto started = placed.start();
  // The caller answers.
  if (!started) on_reset(stream);
  return started;
}

Result<TunnelTarget> Tunnels::target_of(const wire::msg::TunnelRequest& request) {
  if (request.connection() == 0) return TunnelTarget::create(request);
  auto connection = host_sockets_.take(request.connection());
  if (!connection)
    return fail(ErrorCode::not_found, concat("no connection ", request.connection(), " waits to be taken"));
  return TunnelTarget::adopt(*std::move(connection));
}

void Tunnels::on_data(std::uint32_t stream, std::string_view payload) {
  const auto found = tunnels_.find(stream);
  if (found != tunnels_.end() && !found->second->take_input(payload)) break_stream(stream);
}

void Tunnels::on_window(std::uint32_t stream, std::uint32_t count) {
  if (host_sockets_.has_stream(stream)) {
    if (!host_sockets_.take_window(count)) break_stream(stream);
    return;
  }
  const auto found = tunnels_.find(stream);
  if (found != tunnels_.end() && !found->second->take_window(count)) break_stream(stream);
}

void Tunnels::break_stream(std::uint32_t stream) {
  around_.channel.out().reset(stream);
  on_reset(stream);
}

void Tunnels::on_reset(std::uint32_t stream) {
  if (host_sockets_.has_stream(stream)) return host_sockets_.withdraw();
  const auto found = tunnels_.find(stream);
  if (found == tunnels_.end()) return;
  found->second->abandon();
  on_tunnel_end(stream);
}

void Tunnels::on_disconnect() {
  host_sockets_.withdraw();
  while (!tunnels_.empty()) on_reset(tunnels_.begin()->first);
}

void Tunnels::on_drained() {
  std::vector<Tunnel*> waiting;
  waiting.reserve(tunnels_.size());
  for (const auto& [stream, tunnel] : tunnels_) waiting.push_back(tunnel.get());
  if (waiting.empty()) return;
  // Each time another one comes first, since the first may take all the room.
  std::ranges::rotate(waiting,
                      waiting.begin() + static_cast<std::ptrdiff_t>(next_drained_++ % waiting.size()));
  for (auto* const tunnel : waiting) tunnel->pump();
}

void Tunnels::on_tunnel_end(std::uint32_t stream) {
  auto node = tunnels_.extract(stream);
  if (node.empty()) return;
  ended_.push_back(std::move(node.mapped()));
  if (ended_.size() == 1) loop_.post([this] { ended_.clear(); });
}

}  // namespace boxlite::agent
