// SPDX-License-Identifier: Apache-2.0
#include "net/link/link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace boxlite::net {
namespace {

constexpr std::size_t head_size = 4;
// Several frames at a time, and at least a whole one.
constexpr std::size_t read_size = 256u << 10;
// Kept for the next burst; what a longer one took is given back.
constexpr std::size_t kept_size = 256u << 10;
// Of a limited rate at a time: small enough to keep it even.
constexpr std::size_t limited_size = 16u << 10;

std::size_t length_at(const std::uint8_t* bytes) {
  return static_cast<std::size_t>(bytes[0]) << 24 | static_cast<std::size_t>(bytes[1]) << 16 |
         static_cast<std::size_t>(bytes[2]) << 8 | bytes[3];
}

}  // namespace

Result<std::unique_ptr<Link>> Link::create(linux_::EventLoop& loop, UniqueFd socket, Listener listener) {
  std::unique_ptr<Link> link(new Link(loop, std::move(socket), std::move(listener)));
  auto* const self = link.get();
  link->watch_ = BOXLITE_TRY(loop.watch(link->socket_.get(), true, false, [self](linux_::Readiness ready) {
    if (ready.writable) {
      self->is_blocked_ = false;
      self->flush();
    }
    if (ready.readable && self->socket_.is_open()) self->receive();
  }));
  return link;
}

void Link::set_limits(const Limits& limits) {
  may_receive_.set_rate(limits.sent_bytes_per_second);
  may_send_.set_rate(limits.received_bytes_per_second);
}

void Link::receive() {
  if (const auto pause = may_receive_.pause(); pause.count() > 0) {
    may_not_receive_ = true;
    receiving_ = loop_.after(pause, [this] {
      may_not_receive_ = false;
      update_watch();
    });
    return update_watch();
  }
  if (in_.empty()) in_.resize(read_size);
  const auto room = in_.size() - in_end_;
  const auto size = may_receive_.is_limited() ? std::min(room, limited_size) : room;
  const auto count = ::recv(socket_.get(), in_.data() + in_end_, size, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return close();
  in_end_ += static_cast<std::size_t>(count);
  may_receive_.take(static_cast<std::size_t>(count));
  if (!deliver()) close();
}

bool Link::deliver() {
  std::size_t begin = 0;
  while (in_end_ - begin >= head_size) {
    const auto length = length_at(in_.data() + begin);
    if (length == 0 || length > max_frame) return false;
    if (in_end_ - begin - head_size < length) break;
    listener_.on_frame({in_.data() + begin + head_size, length});
    begin += head_size + length;
  }
  std::memmove(in_.data(), in_.data() + begin, in_end_ - begin);
  in_end_ -= begin;
  return true;
}

void Link::send(std::span<const std::uint8_t> frame) {
  if (!socket_.is_open() || frame.empty() || waiting() + frame.size() > hard_limit) return;
  const auto size = static_cast<std::uint32_t>(frame.size());
  const std::uint8_t head[head_size] = {
      static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
      static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  out_.insert(out_.end(), std::begin(head), std::end(head));
  out_.insert(out_.end(), frame.begin(), frame.end());
  if (is_blocked_ || may_not_send_) {
    if (is_congested() && !was_congested_) update_watch();
    return;
  }
  if (std::exchange(is_flush_due_, true)) return;
  flushing_ = loop_.at(linux_::EventLoop::Clock::now(), [this] {
    is_flush_due_ = false;
    flush();
  });
}

void Link::flush() {
  while (waiting() > 0) {
    if (const auto pause = may_send_.pause(); pause.count() > 0) {
      may_not_send_ = true;
      sending_ = loop_.after(pause, [this] {
        may_not_send_ = false;
        flush();
      });
      break;
    }
    const auto size = may_send_.is_limited() ? std::min(waiting(), limited_size) : waiting();
    const auto count = ::send(socket_.get(), out_.data() + out_begin_, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      is_blocked_ = true;
      break;
    }
    if (count < 0) return close();
    may_send_.take(static_cast<std::size_t>(count));
    out_begin_ += static_cast<std::size_t>(count);
  }
  if (waiting() == 0) {
    out_.clear();
    out_begin_ = 0;
    if (out_.capacity() > kept_size) out_.shrink_to_fit();
  } else if (out_begin_ > kept_size) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
    out_begin_ = 0;
  }
  update_watch();
}

void Link::update_watch() {
  const bool is_relieved = was_congested_ && !is_congested();
  was_congested_ = is_congested();
  // A machine that takes nothing gets nothing done.
  (void)watch_.want(!was_congested_ && !may_not_receive_, is_blocked_);
  if (is_relieved) listener_.on_relief();
}

void Link::close() {
  watch_.reset();
  socket_.reset();
  out_.clear();
  out_begin_ = 0;
}

}  // namespace boxlite::net
