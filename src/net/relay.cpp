// SPDX-License-Identifier: Apache-2.0
#include "net/relay.h"

#include <cerrno>

#include <sys/socket.h>

#include "linux/sockets/stream_socket.h"

namespace boxlite::net {

Result<std::unique_ptr<Relay>> Relay::create(linux_::EventLoop& loop, UniqueFd one, UniqueFd other,
                                             std::move_only_function<void()> on_end) {
  std::unique_ptr<Relay> relay(new Relay(std::move(one), std::move(other), std::move(on_end)));
  auto* const self = relay.get();
  for (auto& end : relay->ends_) {
    end.watch = BOXLITE_TRY(loop.watch(end.socket.get(), true, false, [self](auto) { self->on_ready(); }));
  }
  return relay;
}

void Relay::on_ready() {
  const bool works = move(0) && move(1);
  if (works && !(directions_[0].is_over && directions_[1].is_over)) return update();
  for (auto& end : ends_) end.watch.reset();
  // It may drop us.
  auto on_end = std::move(on_end_);
  on_end();
}

bool Relay::move(std::size_t from) {
  auto& direction = directions_[from];
  const int in = ends_[from].socket.get();
  const int out = ends_[1 - from].socket.get();
  if (direction.is_over) return true;
  if (!direction.has_ended && direction.begin == direction.end) {
    if (direction.buffer.empty()) direction.buffer.resize(buffer_size);
    const auto count = ::recv(in, direction.buffer.data(), direction.buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (count == 0 && !direction.has_begun && linux_::is_hung_up(in)) {
      linux_::reset_when_closed(out);
      return false;
    }
    direction.has_begun = direction.has_begun || count > 0;
    direction.has_ended = count == 0;
    direction.begin = 0;
    direction.end = count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  while (direction.begin < direction.end) {
    const auto count = ::send(out, direction.buffer.data() + direction.begin, direction.end - direction.begin,
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0) return false;
    direction.begin += static_cast<std::size_t>(count);
  }
  if (!direction.has_ended) return true;
  direction.is_over = true;
  ::shutdown(out, SHUT_WR);
  return true;
}

void Relay::update() {
  for (std::size_t at = 0; at < ends_.size(); ++at) {
    const auto& comes_in = directions_[at];
    const auto& goes_out = directions_[1 - at];
    (void)ends_[at].watch.want(!comes_in.has_ended && comes_in.begin == comes_in.end,
                               goes_out.begin < goes_out.end);
  }
}

}  // namespace boxlite::net
