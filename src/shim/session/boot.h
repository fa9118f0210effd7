// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "shim/mux/mux.h"
#include "shim/session/folders.h"
#include "shimlink/shim_config.h"
#include "shimlink/shim_record.h"

namespace boxlite::shim {

// The talk that turns a machine that has just been started into a box: Hello, Configure, StartContainer;
// Hello alone where the config has no container. One thread.
class Boot {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  // What is given outlives it; without folders the container gets none. `ca_certificates` (PEM): whom the
  // container shall trust.
  Boot(Mux& mux, const shimlink::ShimConfig& config, const Folders* folders, std::string ca_certificates = {})
      : mux_(mux), config_(config), folders_(folders), ca_certificates_(std::move(ca_certificates)) {}
  Boot(const Boot&) = delete;
  Boot& operator=(const Boot&) = delete;

  // What came before has taken this long.
  void note(std::string_view stage, std::chrono::microseconds duration);
  // `done` is called once, unless the guest port is lost and the boot with it. The first stage, until the
  // agent answers, is to be called so.
  void begin(std::string_view first_stage, Done done);
  // Hello alone.
  void greet(std::string_view stage, Done done);
  // The same as begin() with an agent that has answered Hello to somebody else.
  void begin_greeted(std::string kernel_release, Done done);

  // Which stage is under way.
  std::string_view phase() const { return phase_; }
  const std::vector<shimlink::StageTime>& stages() const { return stages_; }
  const std::string& kernel_release() const { return kernel_release_; }

 private:
  void hello(std::string_view stage, bool is_all);
  void configure();
  void start_container();
  void enter(std::string_view phase);
  void leave();
  void fail_with(Error error);

  Mux& mux_;
  const shimlink::ShimConfig& config_;
  const Folders* folders_;
  std::string ca_certificates_;
  Done done_;
  bool has_failed_ = false;
  std::string phase_ = "spawn_vmm";
  std::chrono::steady_clock::time_point phase_began_;
  std::vector<shimlink::StageTime> stages_;
  std::string kernel_release_;
};

}  // namespace boxlite::shim
