// SPDX-License-Identifier: Apache-2.0
#include "agent/server/channel.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "agent/machine/console.h"

namespace boxlite::agent {
namespace {

// A port without a host is always "readable"; asking again at this pace costs nothing.
constexpr std::chrono::milliseconds reconnect_pause(5);
constexpr int reads_per_round = 32;

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(linux_::EventLoop& loop, UniqueFd port, Listener& listener) {
  std::unique_ptr<Channel> channel(new Channel(loop, std::move(port), listener));
  channel->watch_ =
      BOXLITE_TRY(loop.watch(channel->port_.get(), true, false,
                             [self = channel.get()](linux_::Readiness ready) { self->on_ready(ready); }));
  return channel;
}

wire::FrameWriter& Channel::out() {
  if (!flush_posted_) {
    flush_posted_ = true;
    loop_.post([this] {
      flush_posted_ = false;
      flush();
    });
  }
  return writer_;
}

void Channel::on_ready(linux_::Readiness ready) {
  if (ready.readable) read_frames();
  if (ready.writable && is_connected_) flush();
}

void Channel::read_frames() {
  // A bounded number of reads, so that commands' output and timers get their turn.
  for (int i = 0; i < reads_per_round; ++i) {
    const auto room = reader_.prepare();
    const auto count = ::read(port_.get(), room.data(), room.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return disconnect();
    is_connected_ = true;
    reader_.commit(static_cast<std::size_t>(count));
    while (true) {
      const auto frame = reader_.next();
      if (!frame) {
        log_line(frame.error().message());
        return disconnect();
      }
      if (!*frame) break;
      listener_.on_frame(**frame);
    }
  }
}

// False: it cannot go on now. An error shows again at the next flush.
bool Channel::write_some(std::string_view& bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(port_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Channel::send_frame(std::string_view frame) {
  bool has_room = is_connected_ && !is_waiting_for_room_;
  if (has_room && !writer_.empty()) {
    const auto waiting = writer_.pending();
    auto left = waiting;
    has_room = write_some(left);
    writer_.consume(waiting.size() - left.size());
  }
  if (has_room) has_room = write_some(frame);
  if (has_room) return;
  out().raw(frame);
  if (!is_connected_ || is_waiting_for_room_) return;
  is_waiting_for_room_ = true;
  update_interest();
}

void Channel::flush() {
  if (!is_connected_) return;
  // A stream that met a congested channel waits for us, also when all of it goes out in one piece below.
  const bool kept_others_waiting = is_congested() || is_waiting_for_room_;
  while (!writer_.empty()) {
    const auto pending = writer_.pending();
    const auto count = ::write(port_.get(), pending.data(), pending.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) return disconnect();
    writer_.consume(static_cast<std::size_t>(count));
  }
  is_waiting_for_room_ = !writer_.empty();
  update_interest();
  if (kept_others_waiting && !is_congested()) listener_.on_drained();
}

void Channel::disconnect() {
  reader_ = {};
  writer_ = {};
  is_waiting_for_room_ = false;
  if (is_connected_) {
    is_connected_ = false;
    listener_.on_disconnect();
  }
  (void)watch_.want(false, false);
  reconnect_ = loop_.after(reconnect_pause, [this] { update_interest(); });
}

void Channel::update_interest() {
  if (const auto done = watch_.want(true, is_waiting_for_room_); !done) log_line(done.error().message());
}

void Channel::flush_blocking() {
  const int flags = ::fcntl(port_.get(), F_GETFL);
  ::fcntl(port_.get(), F_SETFL, flags & ~O_NONBLOCK);
  while (!writer_.empty()) {
    const auto pending = writer_.pending();
    const auto count = ::write(port_.get(), pending.data(), pending.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    writer_.consume(static_cast<std::size_t>(count));
  }
  ::fcntl(port_.get(), F_SETFL, flags);
}

}  // namespace boxlite::agent
