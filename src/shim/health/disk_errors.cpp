// SPDX-License-Identifier: Apache-2.0
#include "shim/health/disk_errors.h"

#include <algorithm>

namespace boxlite::shim {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_pause = 1s;
constexpr std::chrono::milliseconds longest_pause = 60s;

}  // namespace

void DiskErrors::begin() {
  next_.reset();
  pause_ = first_pause;
  ask(++machine_, 0);
}

void DiskErrors::ask(std::uint64_t machine, std::uint64_t known) {
  wire::msg::AwaitDiskErrorsRequest request;
  request.set_known(known);
  mux_.call<wire::GuestAwaitDiskErrors>(request, [this, machine](Result<wire::msg::DiskErrors> errors) {
    // The machine is gone, or another one's turn.
    if (!errors || machine != machine_) return;
    on_change_(*errors);
    next_ = loop_.after(pause_, [this, machine, known = errors->revision()] { ask(machine, known); });
    pause_ = std::min(2 * pause_, longest_pause);
  });
}

}  // namespace boxlite::shim
