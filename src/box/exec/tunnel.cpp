// SPDX-License-Identifier: Apache-2.0
#include "box/exec/tunnel.h"

#include <chrono>
#include <utility>

#include "agentlink/tunnel_pump.h"
#include "base/concat.h"
#include "linux/sockets/unix_socket.h"
#include "wire/method.h"

namespace boxlite::box {
namespace {

// Longer than the agent's own limit, which says more.
constexpr std::chrono::seconds connect_limit(30);

}  // namespace

Result<void> check(const TunnelTarget& target) {
  if ((target.port == 0) == target.unix_path.empty())
    return fail(ErrorCode::invalid_argument, "a tunnel leads either to a port or to a unix socket");
  if (target.port == 0 && !target.unix_path.starts_with('/'))
    return fail(ErrorCode::invalid_argument,
                concat("unix socket ", in_quotes(target.unix_path), ": the path is not absolute"));
  return {};
}

Tunnel::Tunnel(UniqueFd end, std::shared_ptr<agentlink::TunnelPump> pump)
    : end_(std::move(end)), pump_(std::move(pump)) {}

Tunnel::~Tunnel() = default;

Result<std::unique_ptr<Tunnel>> Tunnel::open(linux_::EventLoop& loop, std::shared_ptr<void> owner,
                                             agentlink::Connection& connection, const TunnelTarget& target,
                                             const Deadline& deadline) {
  auto ends = BOXLITE_TRY(linux_::unix_socket_pair());
  BOXLITE_TRY(linux_::set_non_blocking(ends.second.get()));
  wire::msg::TunnelRequest request;
  request.set_port(target.port);
  request.set_unix_path(target.unix_path);
  auto stream = BOXLITE_TRY(connection.open<wire::TunnelsConnect>(request));
  const auto first = BOXLITE_TRY(stream.read(deadline.within(connect_limit)));
  if (!first) BOXLITE_TRY(stream.result(Deadline::never()));
  if (!first || !first->connected())
    return fail(ErrorCode::corrupted, "the box did not say that it has connected");
  auto pump = std::make_shared<agentlink::TunnelPump>(loop, std::move(owner), std::move(ends.second),
                                                      std::move(stream));
  pump->start();
  return std::unique_ptr<Tunnel>(new Tunnel(std::move(ends.first), std::move(pump)));
}

Result<void> Tunnel::wait() {
  return pump_->wait();
}

}  // namespace boxlite::box
