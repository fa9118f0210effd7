// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/container/container.h"
#include "agent/files/worker_memory.h"
#include "agent/server/channel.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "wire/credit.h"
#include "wire/messages.h"

namespace boxlite::agent {

// The service Files: for each call a worker process, whose shared memory is moved to and from the client
// under the stream's credit. A client that goes away takes its worker with it. Loop thread only.
class FilesService {
 public:
  // Everything given outlives the object.
  FilesService(linux_::EventLoop& loop, Channel& channel, const Container& container)
      : loop_(loop), channel_(channel), container_(container) {}
  FilesService(const FilesService&) = delete;
  FilesService& operator=(const FilesService&) = delete;

  // Leaves `stream` open on success.
  Result<void> start(std::uint32_t stream, const wire::msg::Request& request);

  bool has_stream(std::uint32_t stream) const { return calls_.contains(stream); }
  void on_data(std::uint32_t stream, std::string_view payload);
  void on_window(std::uint32_t stream, std::uint32_t count);
  void on_reset(std::uint32_t stream);
  void on_disconnect();
  void on_drained();

 private:
  struct Call {
    std::uint32_t stream = 0;
    std::optional<WorkerChannel> shared;
    UniqueFd pidfd;
    linux_::EventLoop::Watch exit_watch;
    linux_::EventLoop::Watch wake_watch;
    linux_::EventLoop::Timer kill_timer;
    bool stores_input = false;
    wire::SendCredit credit;
    wire::ReceiveCredit input;
    std::uint64_t returned = 0;  // of the input bytes that the worker has read
    bool has_ended = false;      // the client has been answered, or is gone
  };

  Result<void> fork_worker(Call& call, const wire::msg::Request& request);
  void on_wake(Call& call);
  void on_exit(Call& call);
  void pump(Call& call);
  bool send_slots(Call& call);
  void return_credit(Call& call);
  [[nodiscard]] bool take_input(Call& call, std::string_view payload);
  bool push_input(Call& call, std::string_view bytes);
  void end(Call& call);
  // The client is gone. A worker that stores what it sent takes back the half of a file, and ends.
  void give_up(Call& call);
  void break_stream(Call& call);

  linux_::EventLoop& loop_;
  Channel& channel_;
  const Container& container_;
  std::optional<linux_::Cgroup> cgroup_;  // of all workers
  std::map<std::uint32_t, std::unique_ptr<Call>> calls_;
  std::map<const Call*, std::unique_ptr<Call>> ending_;  // about to end, not yet reaped
};

}  // namespace boxlite::agent
