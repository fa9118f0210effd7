// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace boxlite {

// Runs `action` when the scope is left, unless release() was called: the undo of one step of a longer set-up.
template <typename Action>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(Action action) : action_(std::move(action)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() {
    if (armed_) action_();
  }
  void release() noexcept { armed_ = false; }

 private:
  Action action_;
  bool armed_ = true;
};

}  // namespace boxlite
