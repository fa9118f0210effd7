// SPDX-License-Identifier: Apache-2.0
#include "agentlink/link.h"

#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::agentlink {
namespace {

// Frames handled in one go, so that one busy connection does not keep the others of its loop waiting.
constexpr int reads_per_turn = 4;

}  // namespace

Link::Link(linux_::EventLoop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}

void Link::start() {
  auto watch = loop_.watch(socket_.get(), true, false, [this](linux_::Readiness ready) { handle(ready); });
  if (!watch) return close(std::move(watch).error());
  watch_ = std::move(*watch);
}

std::uint32_t Link::call(std::string_view request, Deadline deadline, Done done) {
  const auto stream = std::exchange(next_stream_, next_stream_ + 2);
  if (broken_) {
    // Not from inside this call: the caller may hold what `done` needs.
    loop_.post([done = std::move(done), why = *broken_]() mutable { done(std::unexpected(std::move(why))); });
    return stream;
  }
  Call call{std::move(done), {}};
  if (!deadline.is_never()) {
    call.timer = loop_.at(deadline.at(), [this, stream, self = weak_from_this()] {
      if (const auto alive = self.lock()) {
        writer_.reset(stream);
        flush();
        finish_call(stream, fail(ErrorCode::timed_out, "the guest did not answer in time"));
      }
    });
  }
  calls_.emplace(stream, std::move(call));
  writer_.request(stream, request);
  flush();
  return stream;
}

std::uint32_t Link::open_stream(std::string_view request, std::shared_ptr<StreamState> state) {
  const auto stream = std::exchange(next_stream_, next_stream_ + 2);
  if (broken_) {
    state->end(std::unexpected(*broken_));
    state->notify();
    return stream;
  }
  streams_.emplace(stream, std::move(state));
  writer_.request(stream, request, wire::remote_open);
  flush();
  return stream;
}

void Link::cancel_call(std::uint32_t stream) {
  if (calls_.erase(stream) == 0) return;
  writer_.reset(stream);
  flush();
}

void Link::send_data(std::uint32_t stream, std::string_view payload) {
  if (broken_ || !streams_.contains(stream)) return;
  writer_.data(stream, payload);
  flush();
}

void Link::return_credit(std::uint32_t stream, std::uint32_t bytes) {
  if (broken_ || !streams_.contains(stream)) return;
  writer_.window(stream, bytes);
  flush();
}

void Link::reset_stream(std::uint32_t stream) {
  if (broken_ || streams_.erase(stream) == 0) return;
  writer_.reset(stream);
  flush();
}

void Link::close(Error why) {
  if (broken_) return;
  broken_ = std::move(why);
  is_open_.store(false, std::memory_order_relaxed);
  watch_.reset();
  socket_.reset();
  for (auto& [stream, call] : std::exchange(calls_, {})) call.done(std::unexpected(*broken_));
  for (auto& [stream, state] : std::exchange(streams_, {})) {
    state->end(std::unexpected(*broken_));
    state->notify();
    state->drop_callback();
  }
}

void Link::handle(linux_::Readiness ready) {
  const auto self = shared_from_this();
  if (ready.readable) {
    if (auto read = read_some(); !read) return close(std::move(read).error());
  }
  if (ready.writable && !broken_) flush();
}

Result<void> Link::read_some() {
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    const auto room = reader_.prepare();
    const auto count = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    if (count <= 0) return fail(ErrorCode::stopped, "the box went away");
    reader_.commit(static_cast<std::size_t>(count));
    BOXLITE_TRY_CONTEXT("read from the box", handle_frames());
    if (broken_ || static_cast<std::size_t>(count) < room.size()) return {};
  }
  return {};
}

Result<void> Link::handle_frames() {
  while (!broken_) {
    const auto frame = BOXLITE_TRY(reader_.next());
    if (!frame) return {};
    handle_frame(*frame);
  }
  return {};
}

void Link::handle_frame(const wire::Frame& frame) {
  const auto id = frame.header.stream;
  if (frame.header.type == wire::FrameType::response) return handle_response(id, frame.payload);
  const auto found = streams_.find(id);
  // What was under way when a stream was reset.
  if (found == streams_.end()) return;
  const auto state = found->second;
  switch (frame.header.type) {
    case wire::FrameType::data:
      if (!state->deliver(frame.payload)) return refuse_stream(id, "it sent more than it may");
      break;
    case wire::FrameType::window: {
      const auto bytes = wire::decode_window(frame.payload);
      if (!bytes || !state->grant(*bytes)) return refuse_stream(id, "it sent a window that cannot be");
      break;
    }
    case wire::FrameType::reset:
      streams_.erase(found);
      state->end(fail(ErrorCode::stopped, "the box gave up the call"));
      break;
    default: return refuse_stream(id, "it sent a request");
  }
  state->notify();
}

void Link::handle_response(std::uint32_t stream, std::string_view payload) {
  if (const auto found = streams_.find(stream); found != streams_.end()) {
    const auto state = found->second;
    streams_.erase(found);
    state->end(std::string(payload));
    state->notify();
    state->drop_callback();
    return;
  }
  finish_call(stream, std::string(payload));
}

void Link::refuse_stream(std::uint32_t stream, std::string_view why) {
  const auto found = streams_.find(stream);
  const auto state = found->second;
  streams_.erase(found);
  writer_.reset(stream);
  flush();
  state->end(fail(ErrorCode::corrupted, concat("the box broke the protocol: ", why)));
  state->notify();
  state->drop_callback();
}

void Link::finish_call(std::uint32_t stream, Result<std::string> how) {
  auto node = calls_.extract(stream);
  if (!node.empty()) node.mapped().done(std::move(how));
}

void Link::flush() {
  if (broken_) return;
  if (auto written = write_some(); !written) {
    // Later: the caller may be in the middle of what close() ends.
    loop_.post([self = shared_from_this(), why = std::move(written).error()]() mutable {
      self->close(std::move(why));
    });
    return;
  }
  const bool wants_write = !writer_.empty();
  if (wants_write == wants_write_ || !watch_.is_active()) return;
  wants_write_ = wants_write;
  if (auto changed = watch_.want(true, wants_write); !changed) {
    loop_.post([self = shared_from_this(), why = std::move(changed).error()]() mutable {
      self->close(std::move(why));
    });
  }
}

Result<void> Link::write_some() {
  while (!writer_.empty()) {
    const auto bytes = writer_.pending();
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0) return fail(ErrorCode::stopped, "the box went away");
    writer_.consume(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace boxlite::agentlink
