// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"

namespace boxlite::test {

// A guest without a machine: a network namespace of its own with the addresses of a box on a tap device, at
// the end of a cable as QEMU would hold it. Needs root. One thread, the loop's.
class TapGuest {
 public:
  static Result<std::unique_ptr<TapGuest>> create(linux_::EventLoop& loop);

  // The gateway's end, once.
  UniqueFd take_link() { return std::move(link_); }
  // A shell line in the guest; its output, both streams. The loop runs meanwhile.
  std::string run(const std::string& line);

 private:
  explicit TapGuest(linux_::EventLoop& loop) : loop_(loop) {}
  Result<void> set_up();
  void pump_tap();
  void pump_cable();

  linux_::EventLoop& loop_;
  UniqueFd namespace_;
  UniqueFd tap_;
  UniqueFd cable_;
  UniqueFd link_;
  std::string received_;
  linux_::EventLoop::Watch tap_watch_;
  linux_::EventLoop::Watch cable_watch_;
};

}  // namespace boxlite::test
