// SPDX-License-Identifier: Apache-2.0
// One running box: its machine, its clients, its end.
//
//   booting ──container up──▶ ready ──main ends / asked to stop──▶ stopping ──machine gone──▶ ended
//      └──────────── boot fails, asked to stop, machine gone ──────────────────────────────▶ ended
//
// Whatever happens, the machine's end is awaited, exit.json is written, the clients are told, and run()
// returns.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "shim/boot.h"
#include "shim/chronicle.h"
#include "shim/console_log.h"
#include "shim/folders.h"
#include "shim/mux.h"
#include "vmm/shim_config.h"
#include "vmm/shim_record.h"
#include "vmm/vmm.h"

namespace boxlite::shim {

// What the parent left open for us.
struct Inherited {
  UniqueFd watchdog = {};  // not open when detached
  UniqueFd listener = {};
  UniqueFd lock = {};
  UniqueFd signals = {};  // a signalfd of TERM, INT and HUP
};

class Shim : private Mux::Listener {
 public:
  // The config and the engine outlive it.
  Shim(vmm::Engine& engine, const vmm::ShimConfig& config, Inherited inherited);
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;
  ~Shim() override;

  // From the launch to the end of the machine. An error only when no record could be written.
  Result<void> run();

 private:
  enum class State { booting, ready, stopping, ended };

  Result<void> set_up();
  Result<void> launch();
  Result<void> watch_everything();
  void read_console();
  void write_shim_record();
  void begin_boot();
  void become_ready();

  void on_shim_call(ShimCall call) override;
  void on_main_end(const wire::msg::ExecResult& result) override;
  void on_guest_lost(const Error& why) override;

  void answer_wait_ready(const ShimCall& call);
  void handle_stop(const ShimCall& call);
  void attach_folder(const ShimCall& call);
  void detach_folder(const ShimCall& call);
  // TERM, or the watchdog.
  void stop_gracefully();
  void stop(std::chrono::milliseconds grace, std::chrono::milliseconds limit);
  // Ends the machine without the guest.
  void end_machine();
  void fail_boot(const Error& why);
  void on_machine_end();

  vmm::ExitRecord exit_record(const linux_::ChildEnd& end) const;
  std::string describe_end(const linux_::ChildEnd& end) const;
  std::string vmm_complaints() const;
  void finish(const vmm::ExitRecord& record);
  void tell_end(const vmm::ExitRecord& record);
  void leave_when_flushed();

  vmm::Engine& engine_;
  const vmm::ShimConfig& config_;
  Inherited inherited_;
  std::unique_ptr<linux_::EventLoop> loop_;
  std::optional<Chronicle> chronicle_;
  std::optional<ConsoleLog> console_log_;
  UniqueFd console_;
  std::unique_ptr<Mux> mux_;
  std::optional<Folders> folders_;
  std::unique_ptr<Boot> boot_;
  std::unique_ptr<vmm::Machine> machine_;

  State state_ = State::booting;
  bool was_asked_to_stop_ = false;
  bool was_forced_ = false;
  std::optional<Error> boot_error_;
  std::string boot_error_phase_;
  std::optional<Error> guest_error_;
  std::optional<wire::msg::ExecResult> main_end_;
  bool main_ended_first_ = false;  // before anybody asked for a stop
  std::vector<ShimCall> waiting_for_ready_;
  std::vector<ShimCall> waiting_for_stop_;
  std::chrono::steady_clock::time_point flush_deadline_;
  vmm::ShimRecord record_;
  Result<void> outcome_;

  linux_::EventLoop::Watch watchdog_watch_;
  linux_::EventLoop::Watch signal_watch_;
  linux_::EventLoop::Watch console_watch_;
  linux_::EventLoop::Watch machine_watch_;
  linux_::EventLoop::Timer boot_timer_;
  linux_::EventLoop::Timer stop_timer_;
  linux_::EventLoop::Timer flush_timer_;
};

}  // namespace boxlite::shim
