// SPDX-License-Identifier: Apache-2.0
// The part of a stream that the loop's thread and the user's threads share. Internally locked.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "wire/credit.h"

namespace boxlite::agentlink {

// Messages in the order they came, in one buffer: a peer that sends tiny messages cannot make us keep an
// allocation for each of them.
class MessageQueue {
 public:
  void push(std::string_view message);
  std::optional<std::string> pop();
  bool empty() const { return begin_ == buffer_.size(); }
  void clear();

 private:
  std::string buffer_;  // length (host order), bytes, length, bytes…
  std::size_t begin_ = 0;
};

class StreamState {
 public:
  // ---- the user's side, any thread ----

  // A message and how many bytes of credit to give back to the peer now. No message: see has_ended.
  struct Taken {
    std::optional<std::string> message;
    std::uint32_t credit_to_return = 0;
    bool has_ended = false;
  };
  Taken try_take();
  // Waits for a message or the end; timed_out.
  Result<Taken> take(Deadline deadline);
  // The payload of the response; waits for it. The error of a reset or of a lost connection otherwise.
  Result<std::string> wait_for_end(Deadline deadline);
  std::optional<Result<std::string>> end_if_any();
  // True: `size` bytes may be sent. False: not now. An error: never again.
  Result<bool> try_take_credit(std::size_t size);
  Result<void> take_credit(std::size_t size, Deadline deadline);
  void set_callback(std::move_only_function<void()> callback);

  // ---- the connection's side, the loop's thread ----

  // False: the peer exceeded its credit.
  [[nodiscard]] bool deliver(std::string_view message);
  [[nodiscard]] bool grant(std::uint32_t bytes);
  // The first end counts.
  void end(Result<std::string> how);
  // Ends it from the user's side: unread output is dropped.
  void abandon();
  void notify();
  void drop_callback();

 private:
  Taken take_locked();
  Result<bool> try_take_credit_locked(std::size_t size);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  MessageQueue inbox_;
  wire::ReceiveCredit receive_credit_;
  wire::SendCredit send_credit_;
  std::optional<Result<std::string>> end_;

  std::mutex callback_mutex_;  // held while it runs, so that replacing it waits for a call under way
  std::move_only_function<void()> callback_;
};

}  // namespace boxlite::agentlink
