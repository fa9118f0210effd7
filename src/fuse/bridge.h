// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::fuse {

// What a bridge is between.
struct Ends {
  UniqueFd device;
  // Blocking.
  UniqueFd stream;
  // What ends the kernel's side when it is written to (open_control()). Closing the device does not, as long
  // as a thread of this process waits for an answer itself. None where the kernel sees the stream's end.
  UniqueFd abort;
};

// Of the file system that is mounted by `mount_fd` and has this device. A kernel of BoxLite's carries all
// that it can by itself from now on (guest/kernel/patches): the stream is then another one, for the rest.
Result<Ends> join(UniqueFd device, UniqueFd stream, int mount_fd);

// Carries FUSE messages, as they are, between the kernel's device and a stream at whose other end the file
// server is. Three threads: a request may not wait for an answer, nor an answer for what the server tells
// unasked, which the kernel takes only when nobody reads the page that it is about.
class Bridge {
 public:
  // A message of the server that is not the kernel's: its code, and what follows.
  using Order = std::function<void(int code, std::string_view payload)>;

  // Notices from wire::first_folder_order on are orders.
  explicit Bridge(Ends ends) : ends_(std::move(ends)) {}
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  // Something of our own to the server. Any thread.
  Result<void> send(std::uint32_t opcode, std::string_view payload);
  // Until the stream ends. `order` is called on this thread, in the order of what the server tells unasked.
  void run(const Order& order);

 private:
  void carry_requests();
  void carry_answers();
  void carry_notices(const Order& order);
  void finish();
  void take(std::string_view message);

  Ends ends_;
  std::mutex sending_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> notices_;
  std::atomic<bool> has_ended_ = false;
  std::atomic<bool> requests_have_ended_ = false;
};

// What the kernel says of all FUSE file systems (fusectl), mounted nowhere. To unmount it takes milliseconds.
Result<UniqueFd> mount_control();
// What it says of the one whose mount this is, attached or not: "abort", which is written to, or "waiting",
// how many requests have no answer.
Result<UniqueFd> open_control(int control_fd, int mount_fd, std::string_view what, int flags);

}  // namespace boxlite::fuse
