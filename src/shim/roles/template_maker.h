// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "engine/engine.h"
#include "linux/event_loop.h"
#include "shim/mux/mux.h"
#include "shim/session/boot.h"
#include "shim/session/console_log.h"
#include "shim/session/inherited.h"
#include "shimlink/shim_config.h"

namespace boxlite::shim {

// Starts a machine until its agent answers, lets it prepare a container where the config has one, and saves
// it: what boxes of this shape will go on from. The guest has been told nothing about any box. One thread.
class TemplateMaker : private Mux::Listener {
 public:
  // The config and the engine outlive it.
  TemplateMaker(engine::Engine& engine, const shimlink::ShimConfig& config, Inherited inherited)
      : engine_(engine), config_(config), inherited_(std::move(inherited)) {}
  TemplateMaker(const TemplateMaker&) = delete;
  TemplateMaker& operator=(const TemplateMaker&) = delete;

  // Until it is made, or nobody waits for it any more.
  Result<void> run();

 private:
  Result<void> launch();
  Result<void> watch_parent();
  Result<void> save();
  void end(Result<void> outcome);

  void on_shim_call(ShimCall call) override;
  void on_main_start(std::string_view) override {}
  void on_main_end(const wire::msg::ExecResult&) override {}
  void on_guest_lost(const Error& why) override { end(fail(why)); }

  engine::Engine& engine_;
  const shimlink::ShimConfig& config_;
  Inherited inherited_;
  std::unique_ptr<linux_::EventLoop> loop_;
  std::optional<ConsoleLog> console_log_;
  UniqueFd console_;
  UniqueFd link_;  // nobody answers; closed, the guest would remember a cable that was pulled
  std::unique_ptr<Mux> mux_;
  std::unique_ptr<Boot> boot_;
  std::unique_ptr<engine::Machine> machine_;
  std::optional<Result<void>> outcome_;
  linux_::EventLoop::Watch console_watch_;
  linux_::EventLoop::Watch machine_watch_;
  linux_::EventLoop::Watch watchdog_watch_;
  linux_::EventLoop::Watch signal_watch_;
  linux_::EventLoop::Timer limit_;
  linux_::EventLoop::Timer settling_;
};

}  // namespace boxlite::shim
