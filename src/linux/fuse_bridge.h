// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// Carries FUSE messages, as they are, between the kernel's device and a stream at whose other end the file
// server is. Three threads: a request may not wait for an answer, nor an answer for what the server tells
// unasked, which the kernel takes only when nobody reads the page that it is about.
class FuseBridge {
 public:
  // A message of the server that is not the kernel's: its code and what follows.
  using Order = std::function<void(int code, std::string_view payload)>;

  // Both are blocking descriptors. `order` is called on a thread of the bridge, in the order of the server's
  // unasked messages; codes from `first_order` on are orders.
  static std::unique_ptr<FuseBridge> start(UniqueFd device, UniqueFd stream, Order order);
  FuseBridge(const FuseBridge&) = delete;
  FuseBridge& operator=(const FuseBridge&) = delete;
  // For when the file system is unmounted and the stream has ended: waits for that.
  ~FuseBridge();

  static constexpr int first_order = 1000;
  static constexpr std::size_t max_message = (1u << 20) + (16u << 10);

 private:
  FuseBridge(UniqueFd device, UniqueFd stream, Order order);
  void carry_requests();
  void carry_answers();
  void carry_notices();
  bool take(std::string_view message);

  UniqueFd device_;
  UniqueFd stream_;
  Order order_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> notices_;
  bool has_ended_ = false;
  std::thread requests_;
  std::thread answers_;
  std::thread notifier_;
};

}  // namespace boxlite::linux_
