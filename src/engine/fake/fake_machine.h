// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <thread>

#include "engine/engine.h"
#include "engine/fake/agent.h"

namespace boxlite::engine::fake {

// A machine that is a thread: it speaks for its agent, and ends when it is told to.
class FakeMachine : public Machine {
 public:
  static Result<std::unique_ptr<FakeMachine>> create(const Script& script, MachineEnds ends);
  ~FakeMachine() override;

  pid_t pid() const override { return 0; }
  int end_fd() const override { return over_.get(); }
  Result<MachineEnd> wait(Deadline deadline) override;
  Result<void> quit(Deadline deadline) override;
  void kill() override { end({EndReason::killed, "killed"}); }
  Result<void> pause(Deadline deadline) override;
  Result<void> resume(Deadline deadline) override;
  Result<void> snapshot(const SnapshotRequest& request, Deadline deadline) override;

  // By itself; the first end counts. Any thread.
  void end(const MachineEnd& how);

 private:
  FakeMachine(const Script& script, MachineEnds ends, UniqueFd told, UniqueFd over);
  void run();
  Result<void> serve_port(Agent& agent, wire::FrameReader& in);
  void say(std::string_view bytes) const;

  const Script script_;
  MachineEnds ends_;  // the thread's
  UniqueFd told_;     // readable: it is to end
  UniqueFd over_;     // readable: it has
  std::mutex mutex_;
  std::optional<MachineEnd> end_;
  std::thread thread_;
};

}  // namespace boxlite::engine::fake
