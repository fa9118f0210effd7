// SPDX-License-Identifier: Apache-2.0
// Ports that are published and withdrawn after a box was created.
#include <algorithm>

#include "base/concat.h"
#include "box/life/lifecycle.h"
#include "box/shim_call.h"
#include "box/spec/network.h"

namespace boxlite::box {
namespace {

wire::msg::Port to_message(const PublishedPort& port) {
  wire::msg::Port message;
  message.set_host_address(port.host_address);
  message.set_host_port(port.host_port);
  message.set_box_port(port.box_port);
  message.set_udp(port.protocol == PortProtocol::udp);
  return message;
}

template <typename M>
Result<typename M::Response> call_about(Surroundings& around, const BoxPaths& paths,
                                        const PublishedPort& port) {
  typename M::Request request;
  *request.mutable_port() = to_message(port);
  return call_shim<M>(around, paths, request);
}

// What became of a port of the spec.
PublishedPort actual_port(const BoxPaths& paths, const PublishedPort& wanted, const PublishedPort& named) {
  const auto shim = shimlink::read_shim_record(paths.directory);
  if (!shim) return wanted;
  for (const auto& mapping : shim->ports) {
    const auto actual = to_published(mapping);
    if (is_same_port(wanted, actual) && is_same_port(named, actual)) return actual;
  }
  return wanted;
}

}  // namespace

// The machine first: what is recorded has worked.
Result<PublishedPort> Lifecycle::publish(const PublishedPort& port) {
  BOXLITE_TRY(check(port));
  auto edit = BOXLITE_TRY(this->edit());
  auto& spec = edit.spec();
  if (!spec.network.is_enabled)
    return fail(ErrorCode::invalid_state, "publish port: the box was made without a network");
  if (port.host_port != 0 && std::ranges::count(spec.network.ports, port) > 0)
    return fail(ErrorCode::already_exists,
                concat("port ", port.host_port, " of the host leads there already"));
  spec.network.ports.push_back(port);
  BOXLITE_TRY(check(spec.network));
  auto published = port;
  if (edit.is_running()) {
    const auto response = BOXLITE_TRY(call_about<wire::ShimPublish>(around_, paths_, port));
    published.host_port = static_cast<std::uint16_t>(response.port().host_port());
  }
  auto recorded = edit.record();
  if (!recorded) {
    if (edit.is_running()) (void)call_about<wire::ShimUnpublish>(around_, paths_, published);
    return std::unexpected(std::move(recorded).error());
  }
  return published;
}

// The record first: a port that is gone from it does not come back.
Result<void> Lifecycle::unpublish(const PublishedPort& port) {
  auto edit = BOXLITE_TRY(this->edit());
  auto& spec = edit.spec();
  const auto fits = [&](const PublishedPort& one) {
    return is_same_port(one, port) || is_same_port(port, one);
  };
  const auto found = std::ranges::find_if(spec.network.ports, fits);
  if (found == spec.network.ports.end()) {
    return fail(
        Error(ErrorCode::not_found, concat("the box does not publish its port ", port.box_port, " there"))
            .with_remedy("boxlite port BOX lists what it publishes"));
  }
  const auto actual = actual_port(paths_, *found, port);
  spec.network.ports.erase(found);
  BOXLITE_TRY(edit.record());
  if (!edit.is_running()) return {};
  auto withdrawn = call_about<wire::ShimUnpublish>(around_, paths_, actual);
  // The spec may be ahead of the machine: the process that published it was killed in between.
  if (!withdrawn && withdrawn.error().code() != ErrorCode::not_found)
    return std::unexpected(std::move(withdrawn).error());
  return {};
}

}  // namespace boxlite::box
