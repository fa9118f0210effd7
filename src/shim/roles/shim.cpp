// SPDX-License-Identifier: Apache-2.0
// From the launch to readiness. The other half of the life: shim_end.cpp.
#include "shim/roles/shim.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/shortage.h"

namespace boxlite::shim {
namespace {

std::chrono::milliseconds boot_limit(const shimlink::ShimConfig& config) {
  if (config.boot_timeout.count() != 0) return config.boot_timeout;
  return shimlink::default_boot_timeout(config.machine.accelerator);
}

// Of a record whose texts are as long as they get, and of twenty lines of a console.
constexpr std::size_t record_room = 16u << 10;
constexpr std::chrono::seconds record_retry{1};
constexpr std::string_view spawn_phase = "spawn_vmm";

NetworkQuestions::Clients question_clients(Mux& mux) {
  return {.are_there = [&mux](std::uint64_t client) { return mux.has_client(client); },
          .answer =
              [&mux](const ShimCall& call, const Result<wire::msg::NextNetworkQuestionResponse>& response) {
                if (response) return mux.answer(call, *response);
                mux.answer(call, response.error());
              }};
}

}  // namespace

Shim::Shim(engine::Engine& engine, shimlink::ShimConfig& config, Inherited inherited)
    : engine_(engine),
      config_(config),
      inherited_(std::move(inherited)),
      record_file_(config.box_dir / shimlink::shim_record_name, record_room),
      exit_file_(config.box_dir / shimlink::exit_record_name, record_room),
      restart_judge_(config.restart) {}

Shim::Shim(engine::Engine& engine, shimlink::ShimConfig& config, Inherited inherited,
           ReadyMachine::Claimed claimed)
    : Shim(engine, config, std::move(inherited)) {
  claimed_ = std::move(claimed);
}

Shim::~Shim() = default;

Result<void> Shim::run() {
  loop_ = BOXLITE_TRY(linux_::EventLoop::create());
  auto ready = set_up();
  if (ready) ready = begin_life();
  if (!ready) {
    const auto record = start_failure(ready.error());
    why_finished_ = std::move(ready).error();
    tell_end(record);
    finish(record);
  }
  BOXLITE_TRY(loop_->run());
  return outcome_;
}

shimlink::ExitRecord Shim::start_failure(const Error& why) const {
  shimlink::ExitRecord record{.reason = shimlink::ExitReason::boot_failed, .at = now()};
  const bool is_short = setting_up_ == spawn_phase && is_shortage(why);
  record.phase = is_short ? shimlink::resources_phase : setting_up_;
  record.message = why.message();
  return record;
}

Result<void> Shim::set_up() {
  chronicle_.emplace(*loop_, config_);
  record_.shim = BOXLITE_TRY(linux_::identify_process(::getpid()));
  // The mux comes first: whatever goes wrong from here on is told to clients through it.
  mux_ = Mux::create(*loop_, *this);
  mux_->set_observer(&*chronicle_);
  questions_.emplace(*loop_, question_clients(*mux_));
  BOXLITE_TRY(mux_->accept_from(std::move(inherited_.listener)));
  // What cannot say how it ended does not begin.
  BOXLITE_TRY(exit_file_.take_room());
  BOXLITE_TRY(record_file_.take_room());
  health_.emplace(*loop_, *mux_, config_.health, [this] { note_health(); });
  host_sockets_.emplace(*loop_, *mux_, config_.host_sockets);
  idle_watch_.emplace(*loop_, *mux_, [this] { stop_gracefully(); });
  host_clock_ = BOXLITE_TRY(SystemClock::create());
  clock_keeper_.emplace(*loop_, *host_clock_, [this](Timestamp time) { tell_time(time); });
  disk_errors_.emplace(*loop_, *mux_, [this](const auto& errors) { note_disk(errors); });
  console_log_ = BOXLITE_TRY(
      ConsoleLog::create(config_.box_dir / shimlink::console_log_name, config_.console_log_bytes));
  setting_up_ = shimlink::network_phase;
  network_ = BOXLITE_TRY(Network::create(*loop_, config_, *questions_));
  record_.ports = network_->ports();
  setting_up_ = shimlink::set_up_phase;
  BOXLITE_TRY(watch_parent());
  setting_up_ = spawn_phase;
  return {};
}

Result<void> Shim::watch_parent() {
  if (inherited_.watchdog.is_open()) {
    watchdog_watch_ = BOXLITE_TRY(loop_->watch(inherited_.watchdog.get(), true, false, [this](auto) {
      watchdog_watch_.reset();
      stop_gracefully();
    }));
  }
  signal_watch_ = BOXLITE_TRY(loop_->watch(inherited_.signals.get(), true, false, [this](auto) {
    signalfd_siginfo received;
    (void)!::read(inherited_.signals.get(), &received, sizeof received);
    stop_gracefully();
  }));
  return {};
}

Result<void> Shim::begin_life() {
  life_ = std::make_unique<Life>();
  console_log_->begin_machine();
  record_.phase = shimlink::ShimPhase::booting;
  record_.is_maintenance = config_.is_maintenance;
  record_.started_at = now();
  record_.ready_at.reset();
  record_.disk_errors = 0;
  record_.disk_last_error.clear();
  record_.disk_is_read_only = false;
  record_.vmm_pid = 0;
  BOXLITE_TRY(launch());
  BOXLITE_TRY(watch_machine());
  write_shim_record();
  begin_boot();
  return {};
}

Result<void> Shim::launch() {
  const auto began = std::chrono::steady_clock::now();
  // They stay as they are from one machine to the next.
  if (claimed_) folders_ = std::move(claimed_->folders);
  if (!folders_) folders_ = BOXLITE_TRY(Folders::prepare(config_));
  life_->boot = std::make_unique<Boot>(*mux_, config_, &*folders_, network_->authority_pem());
  life_->main = std::make_unique<MainCommand>(*mux_, static_cast<MainCommand::Listener&>(*this));
  auto connected = BOXLITE_TRY(obtain_machine());
  BOXLITE_TRY(mux_->connect_guest(std::move(connected.port)));
  BOXLITE_TRY(network_->connect(std::move(connected.link)));
  BOXLITE_TRY(folders_->serve(std::move(connected.folders)));
  life_->console = std::move(connected.console);
  life_->machine = std::move(connected.machine);
  record_.vmm_pid = life_->machine->pid();
  mux_->turn_away_machine(life_->machine->pid());
  // While the machine boots: an earlier log has to be looked through for its end.
  if (!log_) {
    log_.emplace(config_.box_dir / shimlink::container_log_name,
                 logs::LogLimits{.file_bytes = config_.log_file_bytes, .files = config_.log_files});
  }
  life_->boot->note(
      life_->kernel_release.empty() ? spawn_phase : "claim",
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began));
  return {};
}

Result<ConnectedMachine> Shim::obtain_machine() {
  if (claimed_) {
    life_->kernel_release = claimed_->kernel_release;
    auto connected = std::move(claimed_->connected);
    claimed_.reset();
    return connected;
  }
  // Of a box that has run, the disk is no longer what a snapshot remembers; nor need its files be there.
  const auto from = was_ready_ ? std::nullopt : config_.from;
  life_->is_restored = from.has_value();
  return launch_connected(engine_, config_.machine, from, config_.box_dir, inherited_.lock.get());
}

Result<void> Shim::watch_machine() {
  life_->console_watch = BOXLITE_TRY(loop_->watch(life_->console.get(), true, false, [this](auto) {
    if (!drain_console(life_->console.get(), *console_log_)) life_->console_watch.reset();
  }));
  life_->machine_watch =
      BOXLITE_TRY(loop_->watch_exit(life_->machine->end_fd(), [this] { on_machine_end(); }));
  return {};
}

void Shim::write_shim_record() {
  if (life_ && life_->boot) record_.stages = life_->boot->stages();
  // Not synced: after a power cut it means nothing, and the start of a box would wait for the disk.
  const auto written = record_file_.replace(shimlink::to_json(record_));
  record_timer_.reset();
  // It has grown beyond its room, and the disk is full.
  if (!written) record_timer_ = loop_->after(record_retry, [this] { write_shim_record(); });
}

void Shim::begin_boot() {
  const auto limit = boot_limit(config_);
  life_->boot_timer = loop_->after(limit, [this, limit] {
    fail_boot(Error(ErrorCode::timed_out, concat("no answer within ", limit.count(), " ms"))
                  .with_remedy(
                      "see console.log in the box's directory; on a slow host set a longer start timeout"));
  });
  const auto done = [this](Result<void> booted) {
    if (life_->state != State::booting || was_asked_to_stop_ || life_->boot_error) return;
    // The machine is about to end, and why it does will be known then.
    if (!booted && booted.error().code() == ErrorCode::stopped) return;
    if (!booted) return fail_boot(std::move(booted).error());
    become_ready();
  };
  if (!life_->kernel_release.empty()) return life_->boot->begin_greeted(life_->kernel_release, done);
  life_->boot->begin(life_->is_restored ? "restore" : "boot", done);
}

void Shim::become_ready() {
  life_->state = State::ready;
  life_->boot_timer.reset();
  const bool is_first = !std::exchange(was_ready_, true);
  record_.ready_at = now();
  record_.phase = shimlink::ShimPhase::running;
  // Before the commands of clients: what they look for may be the main command's work.
  if (!is_first || !config_.client_starts_main) begin_main();
  mux_->open_gate();
  // Programs that were faster wait in the guest.
  if (const auto begun = host_sockets_->begin(); !begun) outcome_ = begun;
  if (!life_->early_main.empty()) life_->main->follow(life_->early_main);
  health_->begin();
  disk_errors_->begin();
  if (config_.auto_stop.count() != 0) idle_watch_->begin(config_.auto_stop);
  record_.health = health_->state();
  record_.health_failures = 0;
  answer_waiting();
  // Without it the box is still one.
  (void)clock_keeper_->begin();
  // After the answers: no client that waits for readiness waits for this file.
  write_shim_record();
  chronicle_->tell(journal::event_type::ready);
}

void Shim::begin_main() {
  if (config_.main_request.empty()) return;
  life_->main_is_pending = true;
  life_->main->start(config_.main_request);
}

void Shim::note_health() {
  const bool is_other = record_.health != health_->state();
  record_.health = health_->state();
  record_.health_failures = health_->failures();
  record_.health_output = health_->last_output();
  write_shim_record();
  if (is_other)
    chronicle_->tell(journal::event_type::health, {{"status", std::string(name(record_.health))}});
}

void Shim::note_disk(const wire::msg::DiskErrors& errors) {
  record_.disk_errors = errors.count();
  record_.disk_last_error = errors.last();
  record_.disk_is_read_only = errors.is_read_only();
  write_shim_record();
  journal::EventAttributes attributes{{"errors", concat(errors.count())}, {"error", errors.last()}};
  if (errors.is_read_only()) attributes.emplace_back("read_only", "true");
  chronicle_->tell(journal::event_type::disk_error, std::move(attributes));
}

void Shim::answer_waiting() {
  if (life_->main_is_pending) return;
  for (const auto& call : std::exchange(waiting_for_ready_, {})) answer_wait_ready(call);
}

}  // namespace boxlite::shim
