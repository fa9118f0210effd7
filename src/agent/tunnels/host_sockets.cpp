// SPDX-License-Identifier: Apache-2.0
#include "agent/tunnels/host_sockets.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::string_view sockets_dir = "/run/box/sockets";
constexpr std::uint32_t most_sockets = 256;
constexpr int backlog = 128;
// Before an accept that failed for want of descriptors is tried again.
constexpr std::chrono::milliseconds accept_pause(100);
// More than an offer takes.
constexpr std::size_t offer_bytes = 64;

}  // namespace

std::string host_socket_path(std::uint32_t number) {
  return concat(sockets_dir, "/", number);
}

Result<void> HostSockets::create(const google::protobuf::RepeatedPtrField<wire::msg::Mount>& mounts) {
  for (const auto& mount : mounts) {
    if (mount.host_socket() == 0) continue;
    BOXLITE_TRY_CONTEXT(concat("make the socket ", in_quotes(mount.target())), listen(mount.host_socket()));
  }
  return {};
}

Result<void> HostSockets::listen(std::uint32_t number) {
  if (number > most_sockets || std::ranges::find(listeners_, number, &Listener::number) != listeners_.end())
    return fail(ErrorCode::invalid_argument,
                concat("socket ", number, " of the host: too large, or there twice"));
  BOXLITE_TRY(make_directories(sockets_dir));
  const auto path = host_socket_path(number);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return fail(syscall_error("socket", "", errno));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(syscall_error("bind", path, errno));
  // It was given to the box: to whatever user its programs run as.
  if (::chmod(path.c_str(), 0666) != 0) return fail(syscall_error("chmod", path, errno));
  if (::listen(socket.get(), backlog) != 0) return fail(syscall_error("listen", path, errno));
  listeners_.push_back({.number = number, .socket = std::move(socket)});
  return {};
}

Result<void> HostSockets::offer_on(Channel& channel, std::uint32_t stream) {
  if (offers_) return fail(ErrorCode::invalid_state, "somebody listens for connections to the host already");
  offers_.emplace(Offers{channel, stream});
  for (auto& listener : listeners_) {
    // Not moved any more: all of them are there when the container is.
    listener.watch = BOXLITE_TRY(loop_.watch(listener.socket.get(), true, false,
                                             [this, &listener](linux_::Readiness) { accept(listener); }));
  }
  return {};
}

void HostSockets::withdraw() {
  for (auto& listener : listeners_) listener.watch.reset();
  accept_again_.reset();
  offered_.clear();
  offers_.reset();
}

bool HostSockets::take_window(std::uint32_t count) {
  if (!offers_ || !offers_->credit.grant(count)) return false;
  update_interest();
  return true;
}

std::optional<UniqueFd> HostSockets::take(std::uint64_t connection) {
  auto node = offered_.extract(connection);
  if (node.empty()) return std::nullopt;
  update_interest();
  return std::move(node.mapped());
}

bool HostSockets::may_offer() const {
  return offers_ && offered_.size() < most_offered && offers_->credit.available() >= offer_bytes;
}

void HostSockets::accept(Listener& listener) {
  while (may_offer()) {
    UniqueFd connection(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.is_open()) {
      offer(listener.number, std::move(connection));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return;
    for (auto& each : listeners_) (void)each.watch.want(false, false);
    accept_again_ = loop_.after(accept_pause, [this] { update_interest(); });
    return;
  }
  update_interest();
}

void HostSockets::offer(std::uint32_t number, UniqueFd connection) {
  const auto id = ++last_connection_;
  offered_.emplace(id, std::move(connection));
  wire::msg::TunnelOffer message;
  message.set_connection(id);
  message.set_host_socket(number);
  if (const auto size = wire::write_data(offers_->channel.out(), offers_->stream, message))
    offers_->credit.take(*size);
}

void HostSockets::update_interest() {
  for (auto& listener : listeners_) (void)listener.watch.want(may_offer(), false);
}

}  // namespace boxlite::agent
