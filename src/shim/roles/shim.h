// SPDX-License-Identifier: Apache-2.0
// One running box: its machine, its clients, its end. A machine that ends by itself may be followed by
// another one, as the restart policy says (shim/life.h has the states of each).
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
#include "engine/engine.h"
#include "linux/event_loop.h"
#include "linux/files/record_file.h"
#include "logs/log_writer.h"
#include "shim/health/clock_keeper.h"
#include "shim/health/disk_errors.h"
#include "shim/health/health.h"
#include "shim/health/idle_watch.h"
#include "shim/health/restart_judge.h"
#include "shim/mux/mux.h"
#include "shim/net/host_sockets.h"
#include "shim/net/network.h"
#include "shim/net/network_questions.h"
#include "shim/roles/ready_machine.h"
#include "shim/session/chronicle.h"
#include "shim/session/console_log.h"
#include "shim/session/folders.h"
#include "shim/session/inherited.h"
#include "shim/session/life.h"
#include "shimlink/shim_config.h"
#include "shimlink/shim_record.h"

namespace boxlite::shim {

class Shim : private Mux::Listener, private MainCommand::Listener {
 public:
  // The config and the engine outlive it; what secrets there are in it is forgotten there once it is in use.
  Shim(engine::Engine& engine, shimlink::ShimConfig& config, Inherited inherited);
  // The first machine runs already.
  Shim(engine::Engine& engine, shimlink::ShimConfig& config, Inherited inherited,
       ReadyMachine::Claimed claimed);
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;
  ~Shim() override;

  // From the first launch to the end of the last machine. An error only when no record could be written.
  Result<void> run();

 private:
  using State = Life::State;

  // shim.cpp: from the launch to readiness
  Result<void> set_up();
  Result<void> watch_parent();
  Result<void> begin_life();
  // Why there is no machine.
  shimlink::ExitRecord start_failure(const Error& why) const;
  Result<void> launch();
  // By the engine, or what was claimed.
  Result<ConnectedMachine> obtain_machine();
  Result<void> watch_machine();
  void write_shim_record();
  void begin_boot();
  void become_ready();
  void begin_main();
  void answer_waiting();
  void note_health();
  void note_disk(const wire::msg::DiskErrors& errors);

  // shim_calls.cpp: what clients ask the shim itself
  void on_shim_call(ShimCall call) override;
  void answer_wait_ready(const ShimCall& call);
  void handle_stop(const ShimCall& call);
  void rename(const ShimCall& call);
  void handle_pause(const ShimCall& call);
  void handle_resume(const ShimCall& call);
  Result<void> resume();
  Error not_running_error(std::string_view verb) const;
  static wire::msg::WaitEndResponse end_answer(const shimlink::ExitRecord& end);
  // shim_folders.cpp
  void attach_folder(const ShimCall& call);
  void detach_folder(const ShimCall& call);
  // shim_network.cpp
  void publish(const ShimCall& call);
  void unpublish(const ShimCall& call);
  void set_network_policy(const ShimCall& call);
  void answer_network_counters(const ShimCall& call);
  void capture(const ShimCall& call);
  void tell_time(Timestamp time);
  // Commands can run.
  bool is_up() const { return !has_finished_ && !is_between_lives() && life_->state == State::ready; }

  // shim_end.cpp
  void on_main_start(std::string_view exec_id) override;
  void on_main_end(const wire::msg::ExecResult& result) override;
  void kill_once_settled();
  void on_guest_lost(const Error& why) override;
  void on_main_running() override;
  void on_main_output(bool is_stderr, std::string_view bytes, std::uint64_t lost) override;
  void on_main_result(Result<wire::msg::ExecResult> result) override;
  // TERM, or the watchdog.
  void stop_gracefully();
  void stop(std::chrono::milliseconds grace, std::chrono::milliseconds limit, int signal);
  // Ends the machine without the guest.
  void end_machine();
  // The same, for somebody who wanted it stopped.
  void force_end();
  void fail_boot(const Error& why);
  void on_machine_end();
  shimlink::ExitRecord exit_record(const engine::MachineEnd& end) const;
  // What becomes of a boot whose machine has ended.
  void note_failed_boot(const engine::MachineEnd& end);
  std::string describe_end(const engine::MachineEnd& end) const;
  // The machine is gone: another one, or the end of the box.
  void end_life(const shimlink::ExitRecord& record);
  void restart_after(std::chrono::milliseconds pause, const shimlink::ExitRecord& record);
  // Stops a box that is between two machines.
  void end_between_lives();
  void finish(const shimlink::ExitRecord& record);
  Result<void> write_exit_record(const shimlink::ExitRecord& record);
  void tell_end(const shimlink::ExitRecord& record);
  void leave_when_flushed();
  bool is_between_lives() const { return last_end_.has_value(); }

  engine::Engine& engine_;
  shimlink::ShimConfig& config_;
  Inherited inherited_;
  std::optional<ReadyMachine::Claimed> claimed_;  // until the first launch
  std::unique_ptr<linux_::EventLoop> loop_;
  std::optional<Chronicle> chronicle_;
  linux_::RecordFile record_file_;
  linux_::RecordFile exit_file_;
  std::optional<ConsoleLog> console_log_;
  std::optional<logs::LogWriter> log_;
  std::unique_ptr<Mux> mux_;
  std::optional<NetworkQuestions> questions_;
  std::unique_ptr<Network> network_;
  std::optional<Folders> folders_;
  std::optional<HostSockets> host_sockets_;
  std::unique_ptr<Life> life_;
  RestartJudge restart_judge_;
  std::optional<Health> health_;
  std::optional<IdleWatch> idle_watch_;
  std::unique_ptr<SystemClock> host_clock_;
  std::optional<ClockKeeper> clock_keeper_;
  std::optional<DiskErrors> disk_errors_;

  std::string_view setting_up_ = shimlink::set_up_phase;
  bool was_ready_ = false;  // once, in this or an earlier life
  bool was_asked_to_stop_ = false;
  bool has_finished_ = false;
  std::optional<shimlink::ExitRecord> last_end_;  // between two lives
  std::optional<Error> why_finished_;
  std::vector<ShimCall> waiting_for_ready_;
  std::vector<ShimCall> waiting_for_stop_;
  std::vector<ShimCall> waiting_for_end_;
  std::optional<shimlink::ExitRecord> end_;  // of the box
  std::chrono::steady_clock::time_point flush_deadline_;
  shimlink::ShimRecord record_;
  Result<void> outcome_;

  linux_::EventLoop::Watch watchdog_watch_;
  linux_::EventLoop::Watch signal_watch_;
  linux_::EventLoop::Timer restart_timer_;
  linux_::EventLoop::Timer flush_timer_;
  linux_::EventLoop::Timer record_timer_;  // one that could not be written is written later
};

}  // namespace boxlite::shim
