// SPDX-License-Identifier: Apache-2.0
#include "agentlink/connection.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/concat.h"
#include "base/waiting.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::agentlink {
namespace {

Result<std::string> envelope(std::string_view service, std::string_view method, std::string payload) {
  wire::msg::Request request;
  request.set_service(service.data(), service.size());
  request.set_method(method.data(), method.size());
  request.set_payload(std::move(payload));
  auto bytes = request.SerializeAsString();
  if (bytes.size() > wire::max_call_payload) {
    return fail(ErrorCode::invalid_argument, concat("call ", method, ": a request of ", bytes.size(),
                                                    " bytes is more than the protocol allows"));
  }
  return bytes;
}

// Where a waiting thread and the loop meet; kept by both, since either may give up first.
struct Meeting {
  std::mutex mutex;
  std::condition_variable_any arrived;
  std::optional<Result<std::string>> answer;
  std::uint32_t stream = 0;  // the loop's thread only
};

std::optional<Result<std::string>> wait_for_answer(Meeting& meeting, const Deadline& deadline) {
  std::unique_lock lock(meeting.mutex);
  wait_until(meeting.arrived, lock, deadline, [&] { return meeting.answer.has_value(); });
  return std::exchange(meeting.answer, std::nullopt);
}

}  // namespace

RawStream::RawStream(std::shared_ptr<Link> link, std::string request)
    : shared_(std::make_shared<Shared>(std::move(link))) {
  shared_->link->loop().post([shared = shared_, request = std::move(request)] {
    shared->id = shared->link->open_stream(request, shared->state);
  });
}

RawStream& RawStream::operator=(RawStream&& other) noexcept {
  if (this != &other) {
    reset();
    shared_ = std::move(other.shared_);
  }
  return *this;
}

std::optional<std::string> RawStream::accept(StreamState::Taken taken) {
  if (taken.credit_to_return != 0) {
    shared_->link->loop().post([shared = shared_, bytes = taken.credit_to_return] {
      shared->link->return_credit(shared->id, bytes);
    });
  }
  return std::move(taken.message);
}

Result<std::optional<std::string>> RawStream::read(Deadline deadline) {
  return accept(BOXLITE_TRY(shared_->state->take(deadline)));
}

std::optional<std::string> RawStream::try_read() {
  return accept(shared_->state->try_take());
}

Result<std::string> RawStream::result(Deadline deadline) {
  return shared_->state->wait_for_end(deadline);
}

std::optional<Result<std::string>> RawStream::try_result() {
  return shared_->state->end_if_any();
}

void RawStream::send(std::string payload) {
  shared_->link->loop().post(
      [shared = shared_, payload = std::move(payload)] { shared->link->send_data(shared->id, payload); });
}

Result<void> RawStream::write(std::string payload, Deadline deadline) {
  BOXLITE_TRY(shared_->state->take_credit(payload.size(), deadline));
  send(std::move(payload));
  return {};
}

Result<bool> RawStream::try_write(std::string&& payload) {
  if (!BOXLITE_TRY(shared_->state->try_take_credit(payload.size()))) return false;
  send(std::move(payload));
  return true;
}

void RawStream::on_change(std::move_only_function<void()> callback) {
  shared_->state->set_callback(std::move(callback));
  shared_->link->loop().post([state = shared_->state] { state->notify(); });
}

void RawStream::reset() {
  if (!shared_) return;
  shared_->state->abandon();
  shared_->link->loop().post([shared = shared_] {
    shared->link->reset_stream(shared->id);
    shared->state->drop_callback();
  });
}

Connection::Connection(std::shared_ptr<Link> link) : link_(std::move(link)) {
  link_->loop().post([started = link_] { started->start(); });
}

Result<std::shared_ptr<Connection>> Connection::connect(linux_::EventLoop& loop,
                                                        const std::filesystem::path& socket,
                                                        Deadline deadline) {
  return adopt(loop, BOXLITE_TRY(linux_::connect_unix(socket, deadline)));
}

Result<std::shared_ptr<Connection>> Connection::adopt(linux_::EventLoop& loop, UniqueFd socket) {
  BOXLITE_TRY(linux_::set_non_blocking(socket.get()));
  return std::shared_ptr<Connection>(new Connection(std::make_shared<Link>(loop, std::move(socket))));
}

Connection::~Connection() {
  auto& loop = link_->loop();
  loop.post(
      [link = std::move(link_)] { link->close(Error(ErrorCode::stopped, "the connection was closed")); });
}

Result<std::string> Connection::call_raw(std::string_view service, std::string_view method,
                                         std::string payload, Deadline deadline) {
  auto request = BOXLITE_TRY(envelope(service, method, std::move(payload)));
  const auto meeting = std::make_shared<Meeting>();
  link_->loop().post([link = link_, request = std::move(request), meeting] {
    meeting->stream = link->call(request, Deadline::never(), [meeting](Result<std::string> answer) {
      {
        const std::lock_guard lock(meeting->mutex);
        meeting->answer = std::move(answer);
      }
      meeting->arrived.notify_all();
    });
  });
  auto answer = wait_for_answer(*meeting, deadline);
  if (answer) return std::move(*answer);
  link_->loop().post([link = link_, meeting] { link->cancel_call(meeting->stream); });
  return fail(deadline.error(concat("call ", method, ": the guest did not answer in time")));
}

void Connection::call_raw(std::string_view service, std::string_view method, std::string payload,
                          Deadline deadline, Link::Done done) {
  auto request = envelope(service, method, std::move(payload));
  link_->loop().post(
      [link = link_, request = std::move(request), deadline, done = std::move(done)]() mutable {
        if (!request) return done(std::unexpected(std::move(request).error()));
        link->call(*request, deadline, std::move(done));
      });
}

Result<RawStream> Connection::open_raw(std::string_view service, std::string_view method,
                                       std::string payload) {
  return RawStream(link_, BOXLITE_TRY(envelope(service, method, std::move(payload))));
}

}  // namespace boxlite::agentlink
