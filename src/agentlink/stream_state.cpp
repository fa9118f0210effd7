// SPDX-License-Identifier: Apache-2.0
#include "agentlink/stream_state.h"

#include <cstring>
#include <utility>

#include "base/concat.h"
#include "base/waiting.h"
#include "wire/frame.h"

namespace boxlite::agentlink {
void MessageQueue::push(std::string_view message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  char length[sizeof size];
  std::memcpy(length, &size, sizeof size);
  buffer_.append(length, sizeof length);
  buffer_.append(message);
}

std::optional<std::string> MessageQueue::pop() {
  if (empty()) return std::nullopt;
  std::uint32_t size = 0;
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  auto message = buffer_.substr(begin_ + sizeof size, size);
  begin_ += sizeof size + size;
  if (empty()) clear();
  // Otherwise what was read would pile up before a reader that never quite catches up.
  if (begin_ > wire::initial_credit) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  return message;
}

void MessageQueue::clear() {
  buffer_.clear();
  begin_ = 0;
}

StreamState::Taken StreamState::take_locked() {
  Taken taken;
  taken.message = inbox_.pop();
  if (taken.message) {
    taken.credit_to_return = receive_credit_.consume(taken.message->size());
  } else {
    taken.has_ended = end_.has_value();
  }
  return taken;
}

StreamState::Taken StreamState::try_take() {
  const std::lock_guard lock(mutex_);
  return take_locked();
}

Result<StreamState::Taken> StreamState::take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!wait_until(changed_, lock, deadline, [&] { return !inbox_.empty() || end_; })) {
    return fail(deadline.error("read from the guest"));
  }
  return take_locked();
}

Result<std::string> StreamState::wait_for_end(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!wait_until(changed_, lock, deadline, [&] { return end_.has_value(); })) {
    return fail(deadline.error("wait for the guest's answer"));
  }
  return *end_;
}

std::optional<Result<std::string>> StreamState::end_if_any() {
  const std::lock_guard lock(mutex_);
  return end_;
}

Result<bool> StreamState::try_take_credit_locked(std::size_t size) {
  if (size > wire::max_data_payload) {
    return fail(ErrorCode::invalid_argument, concat("write ", size, " bytes at once to the guest"));
  }
  if (end_ && *end_) return fail(ErrorCode::invalid_state, "write to the guest: the call has ended");
  if (end_) return std::unexpected(end_->error());
  if (send_credit_.available() < size) return false;
  send_credit_.take(size);
  return true;
}

Result<bool> StreamState::try_take_credit(std::size_t size) {
  const std::lock_guard lock(mutex_);
  return try_take_credit_locked(size);
}

Result<void> StreamState::take_credit(std::size_t size, Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (!BOXLITE_TRY(try_take_credit_locked(size))) {
    const auto has_room = [&] { return end_ || send_credit_.available() >= size; };
    if (!wait_until(changed_, lock, deadline, has_room)) {
      return fail(deadline.error("write to the guest: it does not read"));
    }
  }
  return {};
}

void StreamState::set_callback(std::move_only_function<void()> callback) {
  const std::lock_guard lock(callback_mutex_);
  callback_ = std::move(callback);
}

bool StreamState::deliver(std::string_view message) {
  {
    const std::lock_guard lock(mutex_);
    if (end_) return true;
    if (!receive_credit_.receive(message.size())) return false;
    // Costs no credit, so there must be no end of them in our memory.
    if (message.empty()) return true;
    inbox_.push(message);
  }
  changed_.notify_all();
  return true;
}

bool StreamState::grant(std::uint32_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (!send_credit_.grant(bytes)) return false;
  }
  changed_.notify_all();
  return true;
}

void StreamState::end(Result<std::string> how) {
  {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    end_ = std::move(how);
  }
  changed_.notify_all();
}

void StreamState::abandon() {
  {
    const std::lock_guard lock(mutex_);
    inbox_.clear();
    if (!end_) end_ = fail(ErrorCode::cancelled, "the call was given up");
  }
  changed_.notify_all();
}

void StreamState::notify() {
  const std::lock_guard lock(callback_mutex_);
  if (callback_) callback_();
}

void StreamState::drop_callback() {
  const std::lock_guard lock(callback_mutex_);
  callback_ = nullptr;
}

}  // namespace boxlite::agentlink
