// SPDX-License-Identifier: Apache-2.0
#include "agentlink/tunnel_pump.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "linux/sockets/stream_socket.h"
#include "wire/file_data.h"

namespace boxlite::agentlink {
namespace {

// How long a service that says nothing may keep a tunnel whose user has left, as TCP does with a connection
// that one side has closed.
constexpr std::chrono::seconds farewell_limit(60);

}  // namespace

void TunnelPump::start() {
  self_ = shared_from_this();
  loop_.post([self = self_] { self->begin(); });
}

void TunnelPump::begin() {
  auto watch = loop_.watch(socket_.get(), false, false, [this](linux_::Readiness) { pump(); });
  if (!watch) {
    settle(std::unexpected(std::move(watch).error()));
    return finish();
  }
  watch_ = std::move(*watch);
  // Calls at once, and then for all that comes.
  stream_.on_change([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void TunnelPump::pump() {
  if (!self_) return;
  send_to_box();
  if (!take_from_box()) return finish();
  const bool wants_input = !input_ended_ && outgoing_.empty();
  if (!watch_.want(wants_input, incoming_begin_ < incoming_end_)) finish();
}

// ---- from the box ----------------------------------------------------------------------------------------

// False: the tunnel is over.
bool TunnelPump::take_from_box() {
  while (true) {
    if (!write_to_user()) return false;
    if (incoming_begin_ < incoming_end_) return true;
    auto payload = stream_.try_read_payload();
    if (!payload) break;
    if (!take_message(*std::move(payload))) return false;
  }
  // All that was sent before the answer has been read by now.
  const auto result = stream_.try_result();
  if (!result) return true;
  if (*result) {
    settle({});
  } else {
    settle(std::unexpected(result->error()));
  }
  return false;
}

bool TunnelPump::take_message(std::string payload) {
  incoming_ = std::move(payload);
  auto bytes = wire::file_bytes(incoming_);
  bool is_last = false;
  wire::msg::TunnelData message;
  if (!bytes) {
    if (auto parsed = wire::parse_message(incoming_, message); !parsed) {
      settle(std::move(parsed));
      return false;
    }
    is_last = message.end();
    incoming_ = std::move(*message.mutable_data());
    bytes = incoming_;
  }
  // What comes after the end, or for nobody, has no place to go.
  if (output_ended_ || (user_has_left_ && !bytes->empty())) {
    settle({});
    return bytes->empty();
  }
  incoming_begin_ = static_cast<std::size_t>(bytes->data() - incoming_.data());
  incoming_end_ = incoming_begin_ + bytes->size();
  if (!write_to_user()) return false;
  output_ended_ = is_last;
  if (output_ended_ && incoming_begin_ == incoming_end_) end_output();
  return true;
}

// False: the socket's other end is closed.
bool TunnelPump::write_to_user() {
  while (incoming_begin_ < incoming_end_) {
    const auto count = ::send(socket_.get(), incoming_.data() + incoming_begin_,
                              incoming_end_ - incoming_begin_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0) {
      settle({});
      return false;
    }
    incoming_begin_ += static_cast<std::size_t>(count);
    if (incoming_begin_ == incoming_end_ && output_ended_) end_output();
  }
  return true;
}

void TunnelPump::end_output() {
  // First: a caller that has read the end finds the reason.
  settle({});
  (void)::shutdown(socket_.get(), SHUT_WR);
}

// ---- to the box ------------------------------------------------------------------------------------------

// At most what the credit allows, so that a busy tunnel does not keep others from their turn.
void TunnelPump::send_to_box() {
  while (true) {
    if (!outgoing_.empty()) {
      const auto sent = stream_.try_write_payload(std::move(outgoing_));
      // No credit, or the end, which take_from_box() finds.
      if (!sent || !*sent) return;
      outgoing_.clear();
    }
    if (input_ended_ || !read_from_user()) return;
  }
}

// False: nothing is there now.
bool TunnelPump::read_from_user() {
  outgoing_.resize(wire::max_data_payload);
  ssize_t count = 0;
  do {
    count =
        ::recv(socket_.get(), outgoing_.data() + wire::file_data_head, wire::max_file_bytes, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == EAGAIN) {
    outgoing_.clear();
    return false;
  }
  if (count <= 0) {
    on_user_end();
    return true;
  }
  const auto bytes = static_cast<std::size_t>(count);
  wire::put_file_data_head(outgoing_.data(), bytes);
  outgoing_.resize(wire::file_data_head + bytes);
  return true;
}

void TunnelPump::on_user_end() {
  input_ended_ = true;
  wire::msg::TunnelData last;
  last.set_end(true);
  outgoing_ = last.SerializeAsString();
  user_has_left_ = linux_::is_hung_up(socket_.get());
  if (!user_has_left_) return;
  farewell_ = loop_.after(farewell_limit, [this] {
    settle({});
    finish();
  });
}

// ---- the end ---------------------------------------------------------------------------------------------

void TunnelPump::settle(Result<void> how) {
  {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    end_ = std::move(how);
  }
  changed_.notify_all();
}

void TunnelPump::finish() {
  if (!self_) return;
  watch_.reset();
  farewell_.reset();
  stream_.reset();
  socket_.reset();
  // Not now: a callback of ours may be under way.
  loop_.post([self = std::exchange(self_, nullptr)] {});
}

Result<void> TunnelPump::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return end_.has_value(); });
  return *end_;
}

}  // namespace boxlite::agentlink
