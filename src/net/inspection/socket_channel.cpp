// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/socket_channel.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "linux/sockets/stream_socket.h"

namespace boxlite::net {
namespace {

constexpr std::size_t smallest_read = 4096;

bool is_for_later(int os_error) {
  return os_error == EAGAIN || os_error == EWOULDBLOCK || os_error == EINTR;
}

// A socket that is still connecting is neither writable nor broken.
bool is_settled(int fd) {
  pollfd state{fd, POLLOUT, 0};
  return ::poll(&state, 1, 0) == 1;
}

}  // namespace

Result<std::unique_ptr<SocketChannel>> SocketChannel::adopt(linux_::EventLoop& loop, UniqueFd socket) {
  std::unique_ptr<SocketChannel> channel(new SocketChannel(std::move(socket)));
  if (is_settled(channel->socket_.get())) channel->find_out_if_connected();
  if (channel->failure_) return channel;
  channel->watch_ =
      BOXLITE_TRY(loop.watch(channel->socket_.get(), channel->is_connected_, !channel->is_connected_,
                             [raw = channel.get()](linux_::Readiness ready) { raw->on_ready(ready); }));
  return channel;
}

void SocketChannel::on_ready(linux_::Readiness ready) {
  if (!is_connected_) {
    find_out_if_connected();
  } else {
    if (ready.readable) receive();
    if (ready.writable) send_output();
  }
  update_interest();
  notify();
}

void SocketChannel::find_out_if_connected() {
  int os_error = 0;
  socklen_t size = sizeof os_error;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &os_error, &size) != 0) os_error = errno;
  if (os_error != 0) return fail_with("connect", os_error);
  is_connected_ = true;
  send_output();
}

void SocketChannel::receive() {
  const auto room = input_limit - std::min(input_limit, input_.size());
  if (room == 0 || has_ended_) return;
  const auto count = input_.append_with(
      room, [this](char* place, std::size_t limit) { return ::recv(socket_.get(), place, limit, 0); });
  if (count == 0) has_ended_ = true;
  if (count < 0 && !is_for_later(errno)) fail_with("recv", errno);
}

void SocketChannel::consume(std::size_t count) {
  input_.consume(count);
  update_interest();
}

void SocketChannel::write(std::string_view bytes) {
  if (failure_ || is_finishing_) return;
  output_.append(bytes);
  if (is_connected_) send_output();
  update_interest();
}

void SocketChannel::send_output() {
  while (!output_.is_empty() && !failure_) {
    const auto bytes = output_.view();
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (!is_for_later(errno)) fail_with("send", errno);
      break;
    }
    output_.consume(static_cast<std::size_t>(count));
  }
  shut_when_sent();
}

void SocketChannel::finish() {
  if (is_finishing_) return;
  is_finishing_ = true;
  if (is_connected_) shut_when_sent();
}

void SocketChannel::shut_when_sent() {
  if (is_finishing_ && output_.is_empty() && !failure_) ::shutdown(socket_.get(), SHUT_WR);
}

void SocketChannel::fail_with(std::string_view call, int os_error) {
  failure_ = syscall_error(call, "", os_error);
  watch_.reset();
}

void SocketChannel::reset() {
  watch_.reset();
  if (!socket_.is_open()) return;
  linux_::reset_when_closed(socket_.get());
  socket_.reset();
  if (!failure_) failure_ = Error(ErrorCode::cancelled, "the connection was reset by us");
}

// The input is read again once there is room for more than a trickle.
void SocketChannel::update_interest() {
  if (!watch_.is_active()) return;
  const bool wants_input = is_connected_ && !has_ended_ && input_.size() + smallest_read <= input_limit;
  const bool wants_output = !is_connected_ || !output_.is_empty();
  if (auto changed = watch_.want(wants_input, wants_output); !changed) failure_ = changed.error();
}

}  // namespace boxlite::net
