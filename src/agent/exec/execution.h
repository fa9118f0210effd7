// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/container/container.h"
#include "agent/exec/launch.h"
#include "agent/exec/output_ring.h"
#include "agent/server/channel.h"
#include "base/result.h"
#include "linux/event_loop.h"
#include "linux/process/cgroup.h"
#include "wire/credit.h"
#include "wire/messages.h"

namespace boxlite::agent {

// One command, from its start to long after its end: the process, its cgroup, its streams, and the clients
// that watch it. Output goes from the pipe into a ring and from there to every client by offset; the pipe is
// not read while that would overwrite what an attached client has not been sent. Loop thread only.
class Execution {
 public:
  // Who wants to know. Outlives the execution.
  class Listener {
   public:
    // The process has ended and result() is there; clients may still be reading.
    virtual void on_end(Execution& execution) = 0;
    // The execution has sent its last frame to this stream.
    virtual void on_stream_finished(std::uint32_t stream) = 0;
    // What clients are to be told of a damaged root disk; empty: nothing.
    virtual const std::string& disk_error() const = 0;
    // The end of a command is about to be told: what the kernel has said until now counts.
    virtual void look_at_disk() = 0;

   protected:
    ~Listener() = default;
  };

  // Starts the command. A program that cannot be started is an execution that has ended (126, 127); an Error
  // means that the request was wrong or the machine is out of something. `first`: it shall be this process.
  static Result<std::unique_ptr<Execution>> start(linux_::EventLoop& loop, Channel& channel,
                                                  const Container& container, CommandCgroup cgroup,
                                                  const wire::msg::ExecRequest& request, Listener& listener,
                                                  std::optional<FirstProcess> first = std::nullopt);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  // Takes its cgroup with it when that is empty.
  ~Execution();

  const std::string& id() const { return id_; }
  const std::vector<std::string>& args() const { return args_; }
  pid_t container_pid() const { return container_pid_; }
  bool is_main() const { return is_main_; }
  bool is_running() const { return pidfd_.is_open(); }
  bool has_clients() const { return !clients_.empty(); }
  // Legal when it does not run.
  const wire::msg::ExecResult& result() const { return result_; }
  // What List says of it, without its arguments.
  wire::msg::ExecSummary summary() const;
  std::size_t memory() const;

  // Whether a stream has claimed stdin: only its input counts.
  bool stdin_is_taken() const { return stdin_owner_ != 0; }
  // Sends started, the output from the offsets on, and at the end the result. With `use_stdin` the stream
  // claims stdin, which nobody else may hold.
  void attach(std::uint32_t stream, const wire::msg::AttachRequest& request);
  void detach(std::uint32_t stream);
  // False: the client broke the protocol; reset its stream.
  [[nodiscard]] bool on_input(std::uint32_t stream, std::string_view payload);
  [[nodiscard]] bool on_window(std::uint32_t stream, std::uint32_t count);
  // Sends what clients have credit for, as long as the channel takes it.
  void pump();

  Result<void> signal(int number, bool whole_group);

  // Removes the cgroup once nothing is left in it. False: something is.
  bool tidy_cgroup();
  // Forgets the output, and stops listening to processes that outlived the command.
  void drop_output();

 private:
  struct Output {
    UniqueFd fd;
    linux_::EventLoop::Watch watch;
    OutputRing ring;
    // Bytes that were in the pipe when the process ended and have not been read; only then a bound.
    std::size_t left_to_drain = 0;
    bool is_drained = false;      // all that precedes the result is in the ring
    std::uint64_t final_end = 0;  // of the output that precedes the result
  };
  struct Client {
    std::uint32_t stream;
    std::array<std::uint64_t, 2> next;
    wire::SendCredit credit;
    wire::ReceiveCredit input;
    bool knows_disk_error = false;
  };
  struct Input {
    std::uint32_t stream;
    std::string bytes;
    std::size_t written = 0;
    std::size_t credited;
  };

  Execution(linux_::EventLoop& loop, Channel& channel, const Container& container, CommandCgroup cgroup,
            const wire::msg::ExecRequest& request, Listener& listener);

  Result<void> launch_command(const wire::msg::ExecRequest& request, const LaunchPlan& plan,
                              std::optional<FirstProcess> first);
  Result<void> open_streams(const wire::msg::ExecRequest& request);
  Result<void> watch_process(std::uint64_t timeout_ms);
  void set_failure(const LaunchFailure& failure);

  void read_output(std::size_t index);
  std::size_t drain(std::size_t index, std::size_t limit);
  void update_read_interest();
  std::uint64_t keep_from(std::size_t index) const;
  void finish_output(std::size_t index);

  void write_input();
  void close_input();
  void drop_input();
  void return_credit(std::uint32_t stream, std::size_t count);

  void on_process_end();
  void on_timeout();
  bool pump_client(Client& client);
  bool is_complete(const Client& client) const;
  void send_started(const Client& client);
  void send_disk_error(Client& client);
  void remove_client(std::uint32_t stream);
  bool has_open_stdin() const { return stdin_.is_open() && !input_ends_; }
  Client* find_client(std::uint32_t stream);

  linux_::EventLoop& loop_;
  Channel& channel_;
  const Container& container_;
  Listener& listener_;
  std::string id_;
  std::vector<std::string> args_;
  bool is_main_;
  bool has_terminal_;

  std::string cgroup_name_;
  std::optional<linux_::Cgroup> cgroup_;
  UniqueFd pidfd_;
  pid_t container_pid_ = 0;
  std::uint64_t cpu_before_ns_ = 0;  // used by its process before it was the command's
  linux_::EventLoop::Watch exit_watch_;
  linux_::EventLoop::Timer timeout_;
  bool timed_out_ = false;
  wire::msg::ExecResult result_;

  std::array<Output, 2> outputs_;
  UniqueFd stdin_;
  linux_::EventLoop::Watch stdin_watch_;
  std::deque<Input> inputs_;
  bool input_ends_ = false;
  std::uint32_t stdin_owner_ = 0;  // the stream that may write; 0: nobody has claimed it

  // Descriptors of the command's side, closed once it runs.
  struct ChildFds {
    UniqueFd in;
    UniqueFd out;
    UniqueFd err;
  };
  ChildFds child_fds_;

  std::vector<Client> clients_;
};

}  // namespace boxlite::agent
