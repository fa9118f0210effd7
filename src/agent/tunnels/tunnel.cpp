// SPDX-License-Identifier: Apache-2.0
#include "agent/tunnels/tunnel.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "wire/file_data.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

// Within one machine: a service that has not accepted by then does not accept.
constexpr std::chrono::milliseconds connect_limit(5000);
constexpr std::chrono::milliseconds retry_pause(10);
// Less credit than this waits for more, rather than go into crumbs.
constexpr std::size_t smallest_frame = 4096;
// What an idle tunnel may keep.
constexpr std::size_t kept_memory = 16u << 10;

}  // namespace

// ---- connecting ------------------------------------------------------------------------------------------

Result<void> Tunnel::start() {
  limit_ = around_.loop.after(connect_limit, [this] {
    fail_with(Error(ErrorCode::timed_out, concat(target_.name(), ": the service has not accepted within ",
                                                 connect_limit.count(), " ms")));
  });
  return proceed(target_.connect(around_.root_fd));
}

Result<void> Tunnel::proceed(Result<TunnelTarget::Step> step) {
  switch (BOXLITE_TRY(std::move(step))) {
    case TunnelTarget::Step::in_progress: return watch(true);
    case TunnelTarget::Step::full:
      retry_ = around_.loop.after(retry_pause, [this] {
        if (const auto done = proceed(target_.connect(around_.root_fd)); !done) fail_with(done.error());
      });
      return {};
    case TunnelTarget::Step::connected: break;
  }
  BOXLITE_TRY(watch(false));
  on_connected();
  return {};
}

// Anew each time: a second try has another socket.
Result<void> Tunnel::watch(bool write) {
  watch_ = BOXLITE_TRY(around_.loop.watch(target_.socket(), false, write,
                                          [this](linux_::Readiness ready) { on_ready(ready); }));
  return {};
}

void Tunnel::on_ready(linux_::Readiness ready) {
  if (is_connected_) {
    if (ready.writable) write_input();
    if (ready.readable) send_output();
    return settle();
  }
  // Before the socket may be replaced.
  watch_.reset();
  if (const auto done = proceed(target_.finish(around_.root_fd)); !done) fail_with(done.error());
}

void Tunnel::on_connected() {
  is_connected_ = true;
  limit_.reset();
  wire::msg::TunnelData connected;
  connected.set_connected(true);
  if (const auto size = wire::write_data(around_.channel.out(), stream_, connected)) credit_.take(*size);
  write_input();
  pump();
}

// ---- from the service to the client ----------------------------------------------------------------------

bool Tunnel::may_send() const {
  return !output_ended_ && credit_.available() >= smallest_frame && !around_.channel.is_full();
}

void Tunnel::pump() {
  if (!is_connected_ || has_ended_) return;
  send_output();
  settle();
}

// At most what the credit allows, so that a busy tunnel does not keep others from their turn.
void Tunnel::send_output() {
  while (!has_ended_ && may_send() && send_piece()) {
  }
}

// False: nothing more is there now.
bool Tunnel::send_piece() {
  constexpr std::size_t head = wire::header_size + wire::file_data_head;
  char* const frame = around_.frame.data();
  const auto room = std::min<std::size_t>(credit_.available() - wire::file_data_head, wire::max_file_bytes);
  const auto count = ::read(target_.socket(), frame + head, room);
  if (count < 0 && errno == EINTR) return true;
  if (count < 0 && errno == EAGAIN) return false;
  if (count < 0) {
    fail_with(syscall_error("read", "", errno).context(concat(target_.name(), ": the connection broke")));
    return false;
  }
  if (count == 0) {
    output_ended_ = true;
    wire::msg::TunnelData last;
    last.set_end(true);
    if (const auto size = wire::write_data(around_.channel.out(), stream_, last)) credit_.take(*size);
    return false;
  }
  const auto payload = wire::file_data_head + static_cast<std::size_t>(count);
  wire::encode({static_cast<std::uint32_t>(payload), stream_, wire::FrameType::data, 0},
               std::span<char, wire::header_size>(frame, wire::header_size));
  wire::put_file_data_head(frame + wire::header_size, static_cast<std::size_t>(count));
  around_.channel.send_frame({frame, wire::header_size + payload});
  credit_.take(payload);
  return true;
}

bool Tunnel::take_window(std::uint32_t count) {
  if (!credit_.grant(count)) return false;
  pump();
  return true;
}

// ---- from the client to the service ----------------------------------------------------------------------

bool Tunnel::take_input(std::string_view payload) {
  if (!input_credit_.receive(payload.size())) return false;
  wire::msg::TunnelData message;
  auto bytes = wire::file_bytes(payload);
  if (!bytes) {
    if (!wire::parse_message(payload, message)) return false;
    bytes = message.data();
  }
  if (input_ended_ && !bytes->empty()) return false;
  // What is not kept for the service is consumed already.
  return_credit(payload.size() - bytes->size());
  if (message.end()) input_ended_ = true;
  if (input_closed_) {
    return_credit(bytes->size());
  } else {
    keep_input(*bytes);
    if (is_connected_) write_input();
  }
  settle();
  return true;
}

void Tunnel::keep_input(std::string_view bytes) {
  if (input_begin_ > kept_memory) {
    input_.erase(0, input_begin_);
    input_begin_ = 0;
  }
  input_ += bytes;
}

void Tunnel::write_input() {
  while (waiting() > 0) {
    const auto count = ::send(target_.socket(), input_.data() + input_begin_, waiting(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    // It takes no more. What it said before that is still read; why it ended shows there.
    if (count < 0) return drop_input();
    input_begin_ += static_cast<std::size_t>(count);
    return_credit(static_cast<std::size_t>(count));
  }
  input_.clear();
  input_begin_ = 0;
  if (input_.capacity() > kept_memory) input_.shrink_to_fit();
  if (input_ended_) end_input();
}

void Tunnel::end_input() {
  if (input_closed_) return;
  input_closed_ = true;
  (void)::shutdown(target_.socket(), SHUT_WR);
}

void Tunnel::drop_input() {
  input_closed_ = true;
  return_credit(waiting());
  input_ = {};
  input_begin_ = 0;
}

void Tunnel::return_credit(std::size_t count) {
  if (const auto announced = input_credit_.consume(count); announced != 0)
    around_.channel.out().window(stream_, announced);
}

// ---- the end ---------------------------------------------------------------------------------------------

void Tunnel::settle() {
  if (has_ended_ || !is_connected_) return;
  if (!output_ended_ || !input_closed_) return update_interest();
  (void)wire::write_response(around_.channel.out(), stream_, wire::msg::TunnelResponse());
  abandon();
  around_.listener.on_tunnel_end(stream_);
}

void Tunnel::update_interest() {
  if (const auto done = watch_.want(may_send(), waiting() > 0); !done) fail_with(done.error());
}

void Tunnel::fail_with(const Error& error) {
  if (has_ended_) return;
  wire::write_error(around_.channel.out(), stream_, error);
  abandon();
  around_.listener.on_tunnel_end(stream_);
}

void Tunnel::abandon() {
  has_ended_ = true;
  watch_.reset();
  limit_.reset();
  retry_.reset();
  // Half an upload must not look like a whole one.
  if (input_closed_) {
    target_.close();
  } else {
    target_.abort();
  }
}

}  // namespace boxlite::agent
