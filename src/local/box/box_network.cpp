// SPDX-License-Identifier: Apache-2.0
// What a box may reach, who is asked, what it did reach, and tunnels into it.
#include "base/concat.h"
#include "local/box/local_box.h"
#include "local/box/local_network_listener.h"
#include "local/box/local_network_log.h"
#include "local/box/local_tunnel.h"
#include "local/local_runtime.h"

namespace boxlite::local {
namespace {

// The runtime serves the listener's connection, so it goes last.
struct ListenerWithRuntime {
  ListenerWithRuntime(std::shared_ptr<LocalRuntime> owner, const box::BoxPaths& paths,
                      NetworkCallback callback)
      : runtime(std::move(owner)), listener(runtime->loop(), paths.agent_socket(), std::move(callback)) {}
  std::shared_ptr<LocalRuntime> runtime;
  LocalNetworkListener listener;
};

}  // namespace

Result<void> LocalBox::set_network_policy(const NetworkPolicy& policy) {
  auto set = lifecycle_.set_network_policy(policy);
  if (!set) return fail(with_name(std::move(set).error(), "set the network policy of"));
  return {};
}

Result<std::shared_ptr<void>> LocalBox::on_network_request(NetworkCallback callback) {
  if (!callback)
    return fail(ErrorCode::invalid_argument, "listen for network requests: there is no callback");
  BOXLITE_TRY(lifecycle_.look());
  auto listener = std::make_shared<ListenerWithRuntime>(runtime_, lifecycle_.paths(), std::move(callback));
  // So that what the box does from now on is asked for.
  (void)listener->listener.wait_until_heard();
  return listener;
}

Result<std::shared_ptr<backend::NetworkLog>> LocalBox::network_log(const NetworkLogOptions& options) {
  BOXLITE_TRY(lifecycle_.look());
  return std::make_shared<LocalNetworkLog>(lifecycle_.paths(), options);
}

Result<std::shared_ptr<backend::Tunnel>> LocalBox::open_tunnel(const TunnelTarget& target,
                                                               const CallOptions& call) {
  constexpr std::string_view verb = "open a tunnel to";
  BOXLITE_TRY(box::check(target));
  const auto deadline = box::deadline_of(call);
  const auto connection = BOXLITE_TRY(connect_ready(verb, deadline));
  auto tunnel = box::Tunnel::open(runtime_->loop(), runtime_->io(), *connection, target, deadline);
  if (!tunnel) return fail(with_name(std::move(tunnel).error(), verb));
  return std::make_shared<LocalTunnel>(*std::move(tunnel), shared_from_this());
}

}  // namespace boxlite::local
