// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>
#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/execution.hpp>
#include <boxlite/files.hpp>
#include <boxlite/logs.hpp>
#include <boxlite/network.hpp>
#include <boxlite/network_log.hpp>

namespace boxlite {

namespace backend {
class Box;
}
struct BoxStats;
struct ProcessList;

// configured: recorded, never started. running: its machine is up. stopping: on its way down. stopped: off,
// disk kept. failed: the last start or run broke; BoxInfo::failure says how; it may be started again. paused:
// its machine stands still, with everything in it. restarting: between two machines, as its restart policy
// wants it.
enum class BoxStatus { configured, running, stopping, stopped, failed, paused, restarting };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(BoxStatus status);

// One part of a start and how long it took.
struct StartStage {
  std::string name = {};
  std::chrono::microseconds duration{0};
};

// none: it has no health check. starting: no probe has succeeded yet, and not enough have failed.
enum class HealthStatus { none, starting, healthy, unhealthy };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(HealthStatus status);

struct HealthReport {
  HealthStatus status = HealthStatus::none;
  unsigned failures = 0;         // in a row
  std::string last_output = {};  // of the last probe: the beginning of what it wrote, or why there was none
};

// What the kernel of a box has found wrong with the file system on its disk: of the machine that runs, else
// of the last one.
struct DiskReport {
  std::uint64_t errors = 0;     // recorded in the file system, those of earlier runs included
  std::string last_error = {};  // the kernel's words; empty: none
  bool is_read_only = false;    // the kernel writes nothing to it any more
};

// How a box ended.
struct BoxEnd {
  std::optional<int> exit_code = {};  // of the main command (128 + signal); none: there was none, or no end
  std::string failure = {};           // why it is `failed`; empty when it is `stopped`
};

// A box as it was at one moment.
struct BoxInfo {
  std::string id = {};
  BoxSpec spec = {};
  BoxStatus status = BoxStatus::configured;
  std::string image_digest = {};      // of the manifest; empty before the first start
  std::string created_at = {};        // RFC 3339, UTC
  std::string started_at = {};        // of the last start; empty before the first
  std::string stopped_at = {};        // empty while running
  std::optional<int> exit_code = {};  // of the main command, once it has ended (128 + signal)
  bool oom_killed = false;            // of it or what it started, something was killed for want of memory
  std::string failure = {};           // why it is `failed`
  std::optional<int> shim_pid = {};   // while running
  std::optional<int> vmm_pid = {};
  std::vector<PublishedPort> ports = {};  // while running: as they are
  std::uint64_t restart_count = 0;        // by the restart policy, since the last start
  HealthReport health = {};               // while running
  DiskReport disk = {};
  std::string accelerator = {};               // "kvm" or "tcg" while running
  std::string kernel_release = {};            // of the guest, after the first start
  std::vector<StartStage> start_stages = {};  // of the last start
  std::uint64_t disk_bytes = 0;               // what its own disk occupies on the host
  std::filesystem::path directory = {};       // boxes/<id> in the home: console.log, shim.stderr
};

struct StopOptions {
  // How long the main command gets until everything in the box is killed. Not set: the box's own time
  // (BoxSpec::stop_timeout), else 2 s.
  std::optional<std::chrono::milliseconds> grace = {};
  // 1..64: what the main command gets; 0: the box's own (BoxSpec::stop_signal). One that it neither handles
  // nor waits for does nothing, since it is process 1.
  int signal = 0;
  // Pull the plug: nothing is flushed; the disk is as after a power cut.
  bool force = false;
};

struct StartOptions {
  // The machine outlives this process also when BoxSpec::detach does not say so; this time only.
  bool detach = false;
};

// A box: a handle, cheap to copy; all copies, and handles in other processes, speak of the same box.
// Thread-safe.
class BOXLITE_API Box {
 public:
  explicit Box(std::shared_ptr<backend::Box> backend);

  // 12 characters of [0-9A-Za-z], for ever the same.
  const std::string& id() const;

  // not_found once the box is removed.
  Result<BoxInfo> info() const;

  // Pulls the image when it is missing, makes the disk, starts the machine and its main command (execution id
  // "main") and waits until both run. Legal in configured, stopped and failed; a running box is a success, a
  // paused one is refused (unpause it). Of several processes starting one box, one starts it and all succeed.
  // On failure nothing is left running and the box is `failed`, or as before if nothing was tried or the call
  // was ended early. A main command that is not there or cannot be executed is invalid_argument with
  // os_error() ENOENT or ENOEXEC.
  Result<void> start(const StartOptions& options = {}, const CallOptions& call = {});

  // Starts the box when it is not running and runs the main command in it (the spec's, else the image's);
  // when that command ends, the box stops with its exit code. invalid_state when the box is running already.
  // `exec` supplies stdin, terminal and timeout; its command must be empty.
  Result<Execution> run(const ExecSpec& exec = {}, const CallOptions& call = {});

  // Runs a command. Legal in running; in configured, stopped and failed the box is started first, but for a
  // box with a command of its own (spec.command or entrypoint) that has ended: invalid_state, start() runs it
  // again. invalid_state also when the main command ends before this one can run.
  Result<Execution> exec(const ExecSpec& exec, const CallOptions& call = {});

  // exec() and Execution::communicate() in one: runs a command to its end.
  Result<Output> run_command(const ExecSpec& exec, std::span<const std::byte> input = {},
                             const OutputOptions& options = {}, const CallOptions& call = {});

  // A handle on a command that was started earlier, by this or another process. "main" is the main command.
  // Any number of handles may read; one writes. not_found when the box knows no such command.
  Result<Execution> attach(std::string_view execution_id, const AttachOptions& options = {});

  // The commands that run and those that ended last (at most 256, by their end), oldest first. Legal in
  // running; elsewhere there are none: nothing of a command outlives the machine.
  Result<std::vector<ExecutionInfo>> executions() const;
  // A signal to a command's first process; SIGKILL goes to everything that the command started. invalid_state
  // after its end.
  Result<void> send_signal(std::string_view execution_id, int signal);
  // Blocks until the command has ended; reads none of its output.
  Result<ExitStatus> wait(std::string_view execution_id, const CallOptions& call = {});

  // Mounts a directory or file of the host, or a volume, in the box, for good: at once when it runs, and at
  // each start. A tmpfs only while it does not run (invalid_state). An empty volume is not filled from the
  // image in a running box. already_exists when there is a mount at that place.
  Result<void> add_mount(const Mount& mount);
  // Takes it away again, also while a command uses it: what it has open stays open. not_found.
  Result<void> remove_mount(std::string_view target);
  // A port of the host leads into the box from now on, and at each start. Returns it with the port that was
  // chosen, if the box runs. already_exists, naming the holder, when it is taken; invalid_state without a
  // network.
  Result<PublishedPort> publish(const PublishedPort& port);
  // Its connections end. `port` as in BoxInfo::ports or in the spec. not_found.
  Result<void> unpublish(const PublishedPort& port);
  // A stream to a service in the box: nothing is published, no network is needed, no policy is asked. Blocks
  // until the service has accepted it. invalid_state unless the box runs; unavailable, and not_found for a
  // path that is not there, when nobody listens; resource_exhausted beyond 256 tunnels of a box.
  Result<Tunnel> open_tunnel(const TunnelTarget& target, const CallOptions& call = {});
  // What passes its cable from now on, as the bytes of a pcap file, to `sink`, on this thread: until the sink
  // returns false or the box has stopped. A sink that is too slow misses frames. invalid_state unless it
  // runs.
  Result<void> capture(const std::function<bool(std::string_view bytes)>& sink,
                       const CallOptions& call = {}) const;
  // What may be reached from now on, and after each start, instead of what may be now. Flows that go on and
  // are not allowed any more end at once. invalid_argument for a rule that is none, with the place of the
  // mistake; invalid_state without a network.
  Result<void> set_network_policy(const NetworkPolicy& policy);
  // Calls `callback` for each destination that is asked for (NetworkPolicy::ask), once in the life of a
  // policy and a machine, for as long as what is returned lives, over stops and starts. Legal in any state.
  Result<NetworkListener> on_network_request(NetworkCallback callback);
  // What it reached and what it was refused. Legal in any state.
  Result<NetworkLog> network_log(const NetworkLogOptions& options = {}) const;
  // From now on the machine outlives this process, as with BoxSpec::detach, which is set. Legal in running.
  Result<void> detach();
  // The files in it.
  Files files() const;

  // What the main command has written, in this and earlier runs. Legal in any state.
  Result<LogReader> logs(const LogOptions& options = {}) const;

  // The stop signal to the main command (TERM to everything where there is none), KILL to everything once it
  // has ended or the grace period is over, file systems unmounted, power off. Legal in any state; a box that
  // is not running is a success. invalid_argument for a signal or a time that is none. A call that ends early
  // takes nothing back: the box goes on stopping.
  Result<void> stop(const StopOptions& options = {}, const CallOptions& call = {});

  // What the box uses and was asked to do (<boxlite/metrics.hpp>). Legal in any state; costs the guest a few
  // milliseconds.
  Result<BoxStats> stats() const;
  // The processes in the box. invalid_state unless it runs.
  Result<ProcessList> processes() const;

  // Everything in the box stands still, with its memory, and goes on. Commands that are begun meanwhile are
  // refused (invalid_state). Successes when it is so already; invalid_state unless the box runs.
  Result<void> pause();
  Result<void> unpause();

  // Blocks until the box has stopped, for good where it has a restart policy; at once when it does not run.
  // not_found when it is removed and nobody saw its end.
  Result<BoxEnd> wait_stopped(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::Box> backend_;
};

}  // namespace boxlite
