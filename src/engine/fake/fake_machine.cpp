// SPDX-License-Identifier: Apache-2.0
#include "engine/fake/fake_machine.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::engine::fake {
namespace {

Result<UniqueFd> make_event() {
  UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  if (event.is_open()) return event;
  return fail(syscall_error("eventfd", "", errno));
}

void raise(const UniqueFd& event) {
  const std::uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof one);
}

}  // namespace

Result<std::unique_ptr<FakeMachine>> FakeMachine::create(const Script& script, MachineEnds ends) {
  auto told = BOXLITE_TRY(make_event());
  auto over = BOXLITE_TRY(make_event());
  return std::unique_ptr<FakeMachine>(
      new FakeMachine(script, std::move(ends), std::move(told), std::move(over)));
}

FakeMachine::FakeMachine(const Script& script, MachineEnds ends, UniqueFd told, UniqueFd over)
    : script_(script),
      ends_(std::move(ends)),
      told_(std::move(told)),
      over_(std::move(over)),
      thread_([this] { run(); }) {}

FakeMachine::~FakeMachine() {
  kill();
  thread_.join();
}

Result<MachineEnd> FakeMachine::wait(Deadline deadline) {
  pollfd waiting{over_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, deadline.poll_timeout_ms()) != 1)
    return fail(ErrorCode::timed_out, "wait for a fake machine: it has not ended");
  const std::lock_guard lock(mutex_);
  return *end_;
}

Result<void> FakeMachine::quit(Deadline) {
  if (!script_.can_quit) return fail(ErrorCode::timed_out, "quit: the fake machine does not");
  end({});
  return {};
}

Result<void> FakeMachine::pause(Deadline) {
  if (script_.can_pause) return {};
  return fail(ErrorCode::unsupported, "pause: the fake machine cannot");
}

Result<void> FakeMachine::resume(Deadline deadline) {
  return pause(deadline);
}

Result<void> FakeMachine::snapshot(const SnapshotRequest& request, Deadline) {
  if (request.with_disks) return fail(ErrorCode::unsupported, "snapshot: a fake machine has no disks");
  const auto& into = request.into;
  for (const auto& file : {into.memory, into.state, into.pages})
    if (!file.empty()) BOXLITE_TRY(write_file_atomic(file, "fake"));
  if (!request.keep_running) end({});
  return {};
}

void FakeMachine::end(const MachineEnd& how) {
  const std::lock_guard lock(mutex_);
  if (!end_) end_ = how;
  raise(told_);
}

void FakeMachine::run() {
  if (!script_.console.empty()) (void)write_all(ends_.console.get(), script_.console, "the console");
  Agent agent(script_);
  wire::FrameReader in;
  std::array<pollfd, 2> waiting{{{told_.get(), POLLIN, 0}, {ends_.agent_port.get(), POLLIN, 0}}};
  while (waiting[0].revents == 0) {
    if (::poll(waiting.data(), waiting.size(), -1) <= 0 || waiting[1].revents == 0) continue;
    // poll() passes over what is negative.
    if (!serve_port(agent, in)) waiting[1].fd = -1;
    if (agent.has_hung_up()) ends_.agent_port.reset();
    if (agent.end()) end(*agent.end());
  }
  ends_ = {};
  raise(over_);
}

Result<void> FakeMachine::serve_port(Agent& agent, wire::FrameReader& in) {
  const auto room = in.prepare();
  const auto count = ::recv(ends_.agent_port.get(), room.data(), room.size(), 0);
  if (count <= 0) return fail(ErrorCode::stopped, "the agent's port was closed");
  in.commit(static_cast<std::size_t>(count));
  while (!agent.end() && !agent.has_hung_up()) {
    const auto frame = BOXLITE_TRY(in.next());
    if (!frame) break;
    agent.handle(*frame);
  }
  say(agent.out().pending());
  agent.out().consume(agent.out().size());
  if (agent.has_hung_up()) return fail(ErrorCode::stopped, "the agent has hung up");
  return {};
}

void FakeMachine::say(std::string_view bytes) const {
  const std::size_t piece = script_.answers_bytewise ? 1 : bytes.size();
  while (!bytes.empty()) {
    const auto count = ::send(ends_.agent_port.get(), bytes.data(), piece, MSG_NOSIGNAL);
    // Nobody reads any more.
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace boxlite::engine::fake
