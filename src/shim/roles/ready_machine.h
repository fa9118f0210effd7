// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/engine.h"
#include "linux/event_loop.h"
#include "shim/mux/mux.h"
#include "shim/session/boot.h"
#include "shim/session/connected_machine.h"
#include "shim/session/console_log.h"
#include "shim/session/folders.h"
#include "shim/session/inherited.h"
#include "shimlink/shim_config.h"

namespace boxlite::shim {

// A machine that goes on from a template before there is a box for it, and waits to be claimed
// (shimlink/ready_machines.h has the claimant's half), or to be saved for all boxes to come. Before, it runs
// one command of no effect: under emulation the first of anything is several times slower than the next. One
// thread.
class ReadyMachine : private Mux::Listener {
 public:
  // What a claimed machine goes on with, as the box's.
  struct Claimed {
    shimlink::ShimConfig config;
    UniqueFd watchdog;  // of the claimant; not open when the box is detached
    ConnectedMachine connected;
    Folders folders;
    std::string kernel_release;
  };

  // The config and the engine outlive it.
  ReadyMachine(engine::Engine& engine, const shimlink::ShimConfig& config, Inherited& inherited)
      : engine_(engine), config_(config), inherited_(inherited) {}
  ReadyMachine(const ReadyMachine&) = delete;
  ReadyMachine& operator=(const ReadyMachine&) = delete;
  ~ReadyMachine() override;

  // Until a box takes it. Nothing when no box can any more: its keeper has gone.
  Result<std::optional<Claimed>> await_claim();
  // Instead: until there is a warm snapshot of it, where the config wants it.
  Result<void> make_snapshot();

 private:
  // Until there is an outcome. `on_ready` comes once nothing is left to be done but what a box is for.
  Result<void> run(std::move_only_function<void()> on_ready);
  Result<void> launch();
  void boot();
  void boot_again();
  Result<void> watch_parent();
  Result<void> watch_machine();
  void rehearse(std::size_t index);
  Result<void> offer();
  Result<void> greet();
  void read_claim();
  Result<Claimed> claimed();
  Result<void> save();
  void end(Result<void> outcome);

  void on_shim_call(ShimCall) override {}
  void on_main_start(std::string_view) override {}
  void on_main_end(const wire::msg::ExecResult&) override {}
  void on_guest_lost(const Error& why) override { end(fail(why)); }

  engine::Engine& engine_;
  const shimlink::ShimConfig& config_;
  Inherited& inherited_;
  std::unique_ptr<linux_::EventLoop> loop_;
  std::optional<ConsoleLog> console_log_;
  std::optional<Folders> folders_;
  ConnectedMachine connected_;
  std::unique_ptr<Mux> mux_;
  std::unique_ptr<Boot> boot_;
  std::move_only_function<void()> on_ready_;
  UniqueFd claimant_;
  std::string claim_text_;
  UniqueFd watchdog_;
  std::optional<Result<void>> outcome_;
  linux_::EventLoop::Watch parent_watch_;
  linux_::EventLoop::Watch signal_watch_;
  linux_::EventLoop::Watch console_watch_;
  linux_::EventLoop::Watch machine_watch_;
  linux_::EventLoop::Watch listener_watch_;
  linux_::EventLoop::Watch claimant_watch_;
  linux_::EventLoop::Timer limit_;
  linux_::EventLoop::Timer settling_;
};

}  // namespace boxlite::shim
