// SPDX-License-Identifier: Apache-2.0
#include "shim/net/host_sockets.h"

#include <chrono>
#include <utility>

#include <fcntl.h>

#include "agentlink/tunnel_pump.h"
#include "base/concat.h"
#include "base/real_path.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::shim {

HostSockets::~HostSockets() {
  if (offers_) offers_->on_change({});
}

Result<void> HostSockets::begin() {
  if (paths_.empty()) return {};
  if (!connection_) {
    auto ours = BOXLITE_TRY(mux_.connect_own());
    connection_ = BOXLITE_TRY(agentlink::Connection::adopt(loop_, std::move(ours)));
  }
  if (offers_) offers_->on_change({});
  offers_.emplace(BOXLITE_TRY(connection_->open<wire::TunnelsListen>({})));
  offers_->on_change([this] { take_offers(); });
  return {};
}

// Whatever else comes is the end of the machine, which others watch.
void HostSockets::take_offers() {
  while (true) {
    const auto offer = offers_->try_read();
    if (!offer || !*offer) return;
    lead(**offer);
  }
}

// Whom nobody serves sees its connection end: the stream that takes it is given up at once.
void HostSockets::lead(const wire::msg::TunnelOffer& offer) {
  wire::msg::TunnelRequest request;
  request.set_connection(offer.connection());
  auto stream = connection_->open<wire::TunnelsConnect>(request);
  const auto number = offer.host_socket();
  if (!stream || number == 0 || number > paths_.size()) return;
  // A box that may write there can put a symlink in its place at any time.
  const auto place = open_without_symlinks(paths_[number - 1], O_PATH);
  if (!place) return;
  // Never waits: a service whose backlog is full serves nobody more.
  auto service = linux_::connect_unix(concat("/proc/self/fd/", place->get()),
                                      Deadline::after(std::chrono::milliseconds(0)));
  if (!service) return;
  std::make_shared<agentlink::TunnelPump>(loop_, connection_, *std::move(service), *std::move(stream))
      ->start();
}

}  // namespace boxlite::shim
