// SPDX-License-Identifier: Apache-2.0
#include "agent/server/agent.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include <sys/utsname.h>
#include <unistd.h>

#include "agent/container/container_fit.h"
#include "agent/container/trust_store.h"
#include "agent/exec/processes.h"
#include "agent/exec/stats.h"
#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "agent/machine/network.h"
#include "base/concat.h"
#include "wire/method.h"
#include "wire/rehearsal.h"

namespace boxlite::agent {
namespace {

constexpr std::uint32_t protocol_version = 1;
constexpr std::chrono::milliseconds kill_limit(5000);
// How long the end waits for clients that do not take their last output.
constexpr std::chrono::milliseconds telling_limit(2000);
constexpr std::chrono::milliseconds shutdown_poll(3);

bool is_call(const wire::msg::Request& request, std::string_view name) {
  return request.method() == name;
}

Result<void> unknown_method(const wire::msg::Request& request) {
  return fail(ErrorCode::unsupported, concat("the agent has no method ", in_quotes(request.service()), " ",
                                             in_quotes(request.method())));
}

}  // namespace

Result<void> Agent::open_channel(UniqueFd port) {
  channel_ = BOXLITE_TRY(Channel::open(loop_, std::move(port), *this));
  disk_watch_ = std::make_unique<DiskWatch>(loop_, *channel_, [this] {
    if (executions_) executions_->tell_disk_error();
  });
  return {};
}

// ---- frames ----------------------------------------------------------------------------------------------

void Agent::on_frame(const wire::Frame& frame) {
  const auto stream = frame.header.stream;
  switch (frame.header.type) {
    case wire::FrameType::request: {
      auto answered = [&]() -> Result<void> {
        // An exception is a bug, but PID 1 must live to tell of it.
        try {
          return on_request(stream, BOXLITE_TRY(wire::parse<wire::msg::Request>(frame.payload)));
        } catch (const std::exception& error) {
          return fail(ErrorCode::internal, concat("agent: ", error.what()));
        }
      }();
      if (!answered) wire::write_error(channel_->out(), stream, answered.error());
      return;
    }
    case wire::FrameType::data:
      if (executions_) executions_->on_data(stream, frame.payload);
      if (files_) files_->on_data(stream, frame.payload);
      if (tunnels_) tunnels_->on_data(stream, frame.payload);
      return;
    case wire::FrameType::window:
      if (const auto count = wire::decode_window(frame.payload); count && executions_) {
        executions_->on_window(stream, *count);
        files_->on_window(stream, *count);
        tunnels_->on_window(stream, *count);
      }
      return;
    case wire::FrameType::reset:
      std::erase(shutdown_streams_, stream);
      disk_watch_->on_reset(stream);
      if (executions_) executions_->on_reset(stream);
      if (files_) files_->on_reset(stream);
      if (tunnels_) tunnels_->on_reset(stream);
      return;
    case wire::FrameType::response: return;  // we call nobody
  }
}

void Agent::on_drained() {
  if (executions_) executions_->on_drained();
  if (files_) files_->on_drained();
  if (tunnels_) tunnels_->on_drained();
}

void Agent::on_disconnect() {
  shutdown_streams_.clear();
  disk_watch_->on_disconnect();
  if (executions_) executions_->on_disconnect();
  if (files_) files_->on_disconnect();
  if (tunnels_) tunnels_->on_disconnect();
}

// ---- calls -----------------------------------------------------------------------------------------------

bool Agent::has_stream(std::uint32_t stream) const {
  if (disk_watch_->has_stream(stream)) return true;
  return executions_ &&
         (executions_->has_stream(stream) || files_->has_stream(stream) || tunnels_->has_stream(stream));
}

Result<void> Agent::on_request(std::uint32_t stream, const wire::msg::Request& request) {
  if (stream % 2 == 0 || has_stream(stream)) {
    return fail(ErrorCode::invalid_argument, concat("stream ", stream, ": even, or in use"));
  }
  if (request.service() == wire::guest_service) return on_guest_request(stream, request);
  if (request.service() == wire::exec_service) return on_exec_request(stream, request);
  if (request.service() == wire::folders_service) return on_folders_request(stream, request);
  if (request.service() == wire::files_service) return on_files_request(stream, request);
  if (request.service() == wire::tunnels_service) return on_tunnels_request(stream, request);
  return unknown_method(request);
}

Result<void> Agent::on_guest_request(std::uint32_t stream, const wire::msg::Request& request) {
  auto& out = channel_->out();
  if (is_call(request, wire::GuestHello::name))
    return wire::write_response(out, stream, BOXLITE_TRY(hello()));
  if (is_call(request, wire::GuestPing::name))
    return wire::write_response(out, stream, wire::msg::PingResponse());
  if (is_call(request, wire::GuestConfigure::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::ConfigureRequest>(request.payload()));
    BOXLITE_TRY(configure(call));
    return wire::write_response(out, stream, wire::msg::ConfigureResponse());
  }
  if (is_call(request, wire::GuestSetClock::name)) {
    if (!is_configured_)
      return fail(ErrorCode::invalid_state, "set clock: the machine is not configured yet");
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::SetClockRequest>(request.payload()));
    wire::msg::SetClockResponse response;
    response.set_was_behind_ns(BOXLITE_TRY(follow_clock(call.wall_clock_ns())));
    return wire::write_response(out, stream, response);
  }
  if (is_call(request, wire::GuestStartContainer::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::StartContainerRequest>(request.payload()));
    return wire::write_response(out, stream, BOXLITE_TRY(start_container(call)));
  }
  if (is_call(request, wire::GuestShutdown::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::ShutdownRequest>(request.payload()));
    begin_shutdown(stream, call);
    return {};
  }
  if (is_call(request, wire::GuestStats::name)) {
    return wire::write_response(out, stream, machine_stats(container_ ? &container_->cgroup() : nullptr));
  }
  if (is_call(request, wire::GuestAwaitDiskErrors::name)) {
    disk_watch_->await(stream,
                       BOXLITE_TRY(wire::parse<wire::msg::AwaitDiskErrorsRequest>(request.payload())));
    return {};
  }
  if (is_call(request, wire::GuestProcesses::name)) {
    if (!container_) return fail(ErrorCode::invalid_state, "the container is not started yet");
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::ProcessesRequest>(request.payload()));
    return wire::write_response(out, stream, container_processes(*container_, call));
  }
  return unknown_method(request);
}

Result<void> Agent::on_exec_request(std::uint32_t stream, const wire::msg::Request& request) {
  if (is_call(request, wire::ExecStart::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::ExecRequest>(request.payload()));
    const bool is_rehearsal = prepared_ && call.id().starts_with(wire::rehearsal_id);
    if (!is_started() && !is_rehearsal)
      return fail(ErrorCode::invalid_state, "the container is not started yet");
    if (phase_ != Phase::running || main_has_ended_) return refuse_command();
    return is_rehearsal ? executions_->rehearse(stream, call) : executions_->start(stream, call);
  }
  if (!is_started()) return fail(ErrorCode::invalid_state, "the container is not started yet");
  auto& executions = *executions_;
  if (is_call(request, wire::ExecAttach::name)) {
    return executions.attach(stream, BOXLITE_TRY(wire::parse<wire::msg::AttachRequest>(request.payload())));
  }
  if (is_call(request, wire::ExecWait::name)) {
    return executions.wait(stream, BOXLITE_TRY(wire::parse<wire::msg::WaitRequest>(request.payload())));
  }
  if (is_call(request, wire::ExecSignal::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::SignalRequest>(request.payload()));
    return wire::write_response(channel_->out(), stream, BOXLITE_TRY(executions.signal(call)));
  }
  if (is_call(request, wire::ExecList::name)) {
    return wire::write_response(channel_->out(), stream, executions.list());
  }
  return unknown_method(request);
}

Result<void> Agent::on_folders_request(std::uint32_t stream, const wire::msg::Request& request) {
  if (!is_started()) return fail(ErrorCode::invalid_state, "the container is not started yet");
  if (is_call(request, wire::FoldersAdd::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::AddFolderRequest>(request.payload()));
    const auto added = BOXLITE_TRY(folders_.add(*container_, call));
    return wire::write_response(channel_->out(), stream, added);
  }
  if (is_call(request, wire::FoldersRemove::name)) {
    const auto call = BOXLITE_TRY(wire::parse<wire::msg::RemoveFolderRequest>(request.payload()));
    return wire::write_response(channel_->out(), stream, BOXLITE_TRY(folders_.remove(*container_, call)));
  }
  return unknown_method(request);
}

Result<void> Agent::on_files_request(std::uint32_t stream, const wire::msg::Request& request) {
  if (!is_started()) return fail(ErrorCode::invalid_state, "the container is not started yet");
  if (phase_ != Phase::running) return fail(ErrorCode::stopped, "the box is shutting down");
  return files_->start(stream, request);
}

Result<void> Agent::on_tunnels_request(std::uint32_t stream, const wire::msg::Request& request) {
  if (!is_started()) return fail(ErrorCode::invalid_state, "the container is not started yet");
  if (phase_ != Phase::running) return fail(ErrorCode::stopped, "the box is shutting down");
  return tunnels_->start(stream, request);
}

Result<void> Agent::refuse_command() const {
  if (!main_has_ended_) return fail(ErrorCode::stopped, "the box is shutting down");
  return fail(main_has_ended());
}

Result<wire::msg::HelloResponse> Agent::hello() const {
  wire::msg::HelloResponse response;
  utsname system{};
  ::uname(&system);
  response.set_protocol(protocol_version);
  response.set_agent_version(BOXLITE_VERSION);
  response.set_kernel_release(system.release);
  response.set_agent_start_ns(start_ns_);
  response.set_agent_ready_ns(boottime_ns());
  return response;
}

Result<void> Agent::configure(const wire::msg::ConfigureRequest& request) {
  if (is_configured_ && !prepared_)
    return fail(ErrorCode::invalid_state, "configure machine: it was configured before");
  BOXLITE_TRY_CONTEXT("configure machine", configure_machine(request));
  if (request.disable_network()) BOXLITE_TRY_CONTEXT("configure machine", disable_network());
  hostname_ = request.hostname();
  is_configured_ = true;
  return {};
}

Result<wire::msg::StartContainerResponse> Agent::start_container(
    const wire::msg::StartContainerRequest& request) {
  const auto& spec = request.container();
  if (!is_configured_)
    return fail(ErrorCode::invalid_state, "start container: the machine is not configured yet");
  if (container_was_started_) return fail(ErrorCode::invalid_state, "start container: it was started before");
  auto defaults = BOXLITE_TRY_CONTEXT("start container", check_container_spec(spec, hostname_));
  wire::msg::StartContainerResponse times;
  if (prepared_) {
    const auto begin_ns = boottime_ns();
    BOXLITE_TRY_CONTEXT("start container", fit_container(spec, std::move(defaults)));
    times.set_prepare_ns(boottime_ns() - begin_ns);
  } else {
    BOXLITE_TRY(prepare_container(spec, std::move(defaults), times));
  }
  trust_certificates(*container_, spec.ca_certificates());
  // After all that is written into it, and not in a container that another box may get.
  if (spec.root_read_only() && !request.only_prepare())
    BOXLITE_TRY_CONTEXT("start container", make_root_read_only(*container_));
  if (!executions_) {
    executions_ =
        std::make_unique<Executions>(loop_, *channel_, *container_, *disk_watch_, [this] { on_main_end(); });
    files_ = std::make_unique<FilesService>(loop_, *channel_, *container_);
    tunnels_ = std::make_unique<Tunnels>(loop_, *channel_, container_->root_fd(), host_sockets_);
  }
  is_disposable_ = spec.is_disposable();
  prepared_.reset();
  if (request.only_prepare()) {
    for (const auto& path : request.needed_soon()) container_->read_ahead(path);
    executions_->prepare();
    if (const auto done = folders_.rehearse(); !done) log_line(done.error().message());
    // What every box would have to write is on the disk that all of them get.
    ::sync();
    prepared_ = spec;
    container_was_started_ = false;
  }
  return times;
}

Result<void> Agent::prepare_container(const wire::msg::ContainerSpec& spec, ContainerDefaults defaults,
                                      wire::msg::StartContainerResponse& times) {
  // Half of one is not begun anew.
  container_was_started_ = true;
  const auto begin_ns = boottime_ns();
  const auto& device = spec.root_device();
  // A box works without its kernel being heard.
  if (const auto done = disk_watch_->begin(device.substr(device.rfind('/') + 1)); !done)
    log_line(done.error().message());
  BOXLITE_TRY_CONTEXT("mount root disk", mount_root_disk(device));
  disk_watch_->note_recorded();
  folders_.set_box_user(spec.user());
  BOXLITE_TRY_CONTEXT("mount shared folders", folders_.mount_share(spec.mounts()));
  BOXLITE_TRY_CONTEXT("start container", host_sockets_.create(spec.mounts()));
  const auto mounted_ns = boottime_ns();
  container_ = BOXLITE_TRY_CONTEXT("start container", Container::start(spec, std::move(defaults)));
  times.set_mount_ns(mounted_ns - begin_ns);
  times.set_prepare_ns(boottime_ns() - mounted_ns);
  return {};
}

// The prepared container becomes that of a box.
Result<void> Agent::fit_container(const wire::msg::ContainerSpec& spec, ContainerDefaults defaults) {
  const bool fits = spec.root_device() == prepared_->root_device() &&
                    spec.privileged() == prepared_->privileged() &&
                    spec.writable_cgroups() == prepared_->writable_cgroups();
  if (!fits)
    return fail(
        ErrorCode::invalid_argument,
        "the prepared container differs in its disk, its privileges or its cgroups from the one asked for");
  if (executions_->has_running())
    return fail(ErrorCode::invalid_state, "start container: a rehearsal still runs in it");
  executions_->forget();
  container_was_started_ = true;
  container_->set_defaults(std::move(defaults));
  if (spec.shm_bytes() != prepared_->shm_bytes())
    BOXLITE_TRY_CONTEXT("resize /dev/shm", resize_shm(*container_, spec.shm_bytes()));
  BOXLITE_TRY(host_sockets_.create(spec.mounts()));
  folders_.set_box_user(spec.user());
  for (const auto& mount : spec.mounts()) {
    wire::msg::AddFolderRequest folder;
    *folder.mutable_mount() = mount;
    BOXLITE_TRY(folders_.add(*container_, folder));
  }
  return {};
}

// ---- the end ---------------------------------------------------------------------------------------------

// What is left of the container gets no grace, as when any container's first process ends.
void Agent::on_main_end() {
  main_has_ended_ = true;
  // After the answers, which are on their way.
  loop_.post([this] {
    if (phase_ == Phase::running || phase_ == Phase::asking) enter(Phase::killing, kill_limit);
  });
}

void Agent::begin_shutdown(std::uint32_t stream, const wire::msg::ShutdownRequest& request) {
  shutdown_streams_.push_back(stream);
  if (phase_ != Phase::running && phase_ != Phase::asking) return;
  if (executions_) executions_->ask_to_end(static_cast<int>(std::min(request.signal(), 0xffffu)));
  enter(Phase::asking, std::chrono::milliseconds(request.grace_ms()));
}

void Agent::enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  phase_end_ = linux_::EventLoop::Clock::now() + limit;
  if (phase == Phase::killing && container_) container_->kill();
  shutdown_timer_ = loop_.after(std::chrono::milliseconds(0), [this] { advance(); });
}

bool Agent::is_phase_done() const {
  if (!executions_) return true;
  switch (phase_) {
    case Phase::running: return false;
    case Phase::asking: return !executions_->has_running();
    case Phase::killing:
      // The commands first: the container's first process cannot go before we have reaped them.
      return !executions_->has_running() && container_->has_ended();
    case Phase::telling: return !executions_->has_clients() && channel_->is_drained();
  }
  return true;
}

void Agent::advance() {
  if (!is_phase_done() && linux_::EventLoop::Clock::now() < phase_end_) {
    shutdown_timer_ = loop_.after(shutdown_poll, [this] { advance(); });
    return;
  }
  if (phase_ == Phase::asking) return enter(Phase::killing, kill_limit);
  if (phase_ == Phase::killing) return enter(Phase::telling, telling_limit);
  finish_shutdown();
}

// Of folders nothing is held back: what is written goes to the host at once, and what was mapped is on its
// way when its process has ended.
void Agent::finish_shutdown() {
  folders_.settle();
  if (!is_disposable_) {
    if (container_) container_->release();
    folders_.unmount_share();
    unmount_root_disk();
  }
  for (const auto stream : shutdown_streams_) {
    (void)wire::write_response(channel_->out(), stream, wire::msg::ShutdownResponse());
  }
  channel_->flush_blocking();
  if (is_disposable_) drop_power();
  power_off();
}

}  // namespace boxlite::agent
