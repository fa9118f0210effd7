// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/container/container.h"
#include "agent/exec/execution.h"
#include "agent/machine/disk_watch.h"
#include "agent/server/channel.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/messages.h"

namespace boxlite::agent {

// The service Exec: all commands of the container, running or ended. Of the ended ones the latest are kept
// for Wait and Attach, within a bound of number and of memory.
class Executions final : public Execution::Listener {
 public:
  // `on_main_end`: the main command has ended. Everything given outlives the object.
  Executions(linux_::EventLoop& loop, Channel& channel, Container& container, DiskWatch& disk_watch,
             std::function<void()> on_main_end)
      : loop_(loop),
        channel_(channel),
        container_(container),
        disk_watch_(disk_watch),
        on_main_end_(std::move(on_main_end)) {}

  // What the next command's start can be spared.
  void prepare();
  // Those that have ended were nobody's. None runs, and nobody is attached.
  void forget();
  // Both leave `stream` open on success.
  Result<void> start(std::uint32_t stream, const wire::msg::ExecRequest& request);
  // As start(), but a main command does not become the container's first process, and its end is nobody's.
  Result<void> rehearse(std::uint32_t stream, const wire::msg::ExecRequest& request);
  Result<void> attach(std::uint32_t stream, const wire::msg::AttachRequest& request);
  // Answers now or when the command ends.
  Result<void> wait(std::uint32_t stream, const wire::msg::WaitRequest& request);
  Result<wire::msg::SignalResponse> signal(const wire::msg::SignalRequest& request);
  wire::msg::ListExecsResponse list() const;

  void on_data(std::uint32_t stream, std::string_view payload);
  void on_window(std::uint32_t stream, std::uint32_t count);
  void on_reset(std::uint32_t stream);
  // Every stream is gone; commands go on.
  void on_disconnect();
  // The channel takes output again.
  void on_drained();

  bool has_stream(std::uint32_t stream) const {
    return streams_.contains(stream) || waiters_.contains(stream);
  }
  bool has_clients() const { return !streams_.empty() || !waiters_.empty(); }
  bool has_running() const;
  // The signal (0: TERM) to the main command, which answers for the others; without one TERM to all of them.
  void ask_to_end(int number);

  // Clients that do not know of it are told.
  void tell_disk_error() { on_drained(); }

  void on_end(Execution& execution) override;
  void on_stream_finished(std::uint32_t stream) override { streams_.erase(stream); }
  const std::string& disk_error() const override { return disk_watch_.errors().last(); }
  void look_at_disk() override { disk_watch_.look(); }

 private:
  Execution* find(const std::string& id) const;
  Result<void> check(const wire::msg::ExecRequest& request) const;
  // From now on it is known, and the stream is its first client.
  void add(std::uint32_t stream, const wire::msg::ExecRequest& request, std::unique_ptr<Execution> execution);
  Result<std::unique_ptr<Execution>> start_command(const wire::msg::ExecRequest& request);
  Result<std::unique_ptr<Execution>> start_main(const wire::msg::ExecRequest& request);
  Result<std::unique_ptr<Execution>> start_understudy(wire::msg::ExecRequest request);
  Result<CommandCgroup> make_cgroup();
  Result<CommandCgroup> take_cgroup();
  void break_stream(std::uint32_t stream);
  void tidy();
  void tidy_cgroups();

  linux_::EventLoop& loop_;
  Channel& channel_;
  Container& container_;
  DiskWatch& disk_watch_;
  std::function<void()> on_main_end_;

  std::unordered_map<std::string, std::unique_ptr<Execution>> executions_;
  std::unordered_map<std::uint32_t, Execution*> streams_;
  std::unordered_multimap<std::uint32_t, Execution*> waiters_;
  std::list<Execution*> ended_;        // oldest first
  std::list<Execution*> with_cgroup_;  // ended, but processes outlived the command
  linux_::EventLoop::Timer tidy_timer_;
  std::uint64_t next_cgroup_ = 1;
  std::optional<CommandCgroup>
      spare_cgroup_;  // made while nobody waits: it is a good part of a command's start
  std::uint32_t next_drained_ = 0;
};

}  // namespace boxlite::agent
