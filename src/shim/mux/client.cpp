// SPDX-License-Identifier: Apache-2.0
#include "shim/mux/client.h"

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace boxlite::shim {
namespace {

std::unexpected<Error> gone() {
  return fail(ErrorCode::stopped, "the client went away");
}

}  // namespace

Result<std::unique_ptr<Client>> Client::create(linux_::EventLoop& loop, std::uint64_t id, UniqueFd socket,
                                               OnReady on_ready) {
  auto client = std::unique_ptr<Client>(new Client(id, std::move(socket)));
  client->watch_ = BOXLITE_TRY(loop.watch(client->socket_.get(), true, false, std::move(on_ready)));
  return client;
}

Result<bool> Client::receive() {
  const auto room = in_.prepare();
  const auto count = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (count > 0) {
    in_.commit(static_cast<std::size_t>(count));
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  return gone();
}

Result<void> Client::flush() {
  while (!out_.empty()) {
    const auto bytes = out_.pending();
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return gone();
    out_.consume(static_cast<std::size_t>(count));
  }
  return update_watch(reads_, !out_.empty());
}

Result<void> Client::set_reading(bool reads) {
  return update_watch(reads, writes_);
}

Result<void> Client::update_watch(bool reads, bool writes) {
  if (reads == reads_ && writes == writes_) return {};
  reads_ = reads;
  writes_ = writes;
  return watch_.want(reads, writes);
}

}  // namespace boxlite::shim
