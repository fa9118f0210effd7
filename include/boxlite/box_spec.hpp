// SPDX-License-Identifier: Apache-2.0
// What a box and a command are made of. Plain values: copy, compare, keep; nothing happens until they are
// handed to a Runtime or a Box, which check them (invalid_argument names the field).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boxlite/error.hpp>
#include <boxlite/network.hpp>
#include <boxlite/secret.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

using EnvironmentVariable = std::pair<std::string, std::string>;

// Capabilities of the commands in the box, by name ("NET_ADMIN", "CAP_" optional, case-insensitive, or
// "ALL"), relative to Docker's default fourteen. A name in both lists is dropped.
struct CapabilityChanges {
  std::vector<std::string> add = {};
  std::vector<std::string> drop = {};
  bool operator==(const CapabilityChanges&) const = default;
};

// bind: a directory or file of the host. volume: a directory that BoxLite keeps (volumes.hpp). tmpfs: memory.
// socket: a unix stream socket of the host: whoever connects at `target` is connected to it. It gives the box
// what the socket gives: that of a Docker daemon is root on the host.
enum class MountType { bind, volume, tmpfs, socket };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(MountType type);

// Something that appears at a place in a box.
struct Mount {
  MountType type = MountType::bind;
  // bind, socket: an absolute path on the host, symlinks followed; it must exist when the box starts. volume:
  // a name, made when there is none; empty: an anonymous volume of this box, named when the box is created.
  std::string source = {};
  // Absolute, in the box, not in /proc, and neither /dev nor in /dev/pts; made when missing. An empty
  // directory for a directory, an empty file for a file.
  std::string target = {};
  bool read_only = false;  // enforced on the host as well
  // volume: do not fill an empty volume with what the image has at `target`.
  bool no_copy = false;
  std::uint64_t tmpfs_bytes = 0;  // what a tmpfs may hold; 0: half of the box's memory
  unsigned tmpfs_mode = 01777;    // permissions of its root
  unsigned tmpfs_uid = 0;         // owner of its root
  unsigned tmpfs_gid = 0;
  // tmpfs: programs in it may run, their set-user-ID bits count, device files in it work. None, as with
  // Docker.
  bool tmpfs_exec = false;
  bool tmpfs_suid = false;
  bool tmpfs_dev = false;
  // volume: it was made for this box only, and may go with it (RemoveOptions::volumes, auto_remove).
  bool is_anonymous = false;
  bool operator==(const Mount&) const = default;
};

// In a Ulimit: no limit.
inline constexpr std::uint64_t unlimited = ~std::uint64_t{0};

// A resource limit of every command of a box (setrlimit(2)), in the kernel's units.
struct Ulimit {
  // core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending or
  // stack.
  std::string name = {};
  std::uint64_t soft = 0;  // not more than `hard`
  // nofile: at most 1048576, which `unlimited` means as well.
  std::uint64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};

// Whether a box whose main command has ended, or whose machine broke, is started again: by the box's own
// process, so it needs no daemon. Never after somebody has stopped the box, and not after a reboot of the
// host.
enum class RestartMode { no, on_failure, always, unless_stopped };

// As Docker spells it: "on-failure". Thread-safe.
BOXLITE_API std::string_view name(RestartMode mode);

struct RestartPolicy {
  RestartMode mode = RestartMode::no;
  unsigned max_retries = 0;  // on_failure only; 0: no limit
  bool operator==(const RestartPolicy&) const = default;
};

// How much is kept of what the main command writes. The oldest goes first.
struct LogLimits {
  std::uint64_t file_bytes = 10u << 20;  // 4 KiB .. 1 TiB
  unsigned files = 3;                    // 1..100, with the one that is written
  bool operator==(const LogLimits&) const = default;
};

// How a box finds out whether it is well: with a ping to the agent, or a command that must exit with 0.
struct HealthCheck {
  // image: as the image says (HEALTHCHECK), else none.
  enum class Probe { image, none, ping, command };
  Probe probe = Probe::image;
  std::vector<std::string> command = {};  // of Probe::command; runs as a command of the box does
  // Zero: the image's where it has one, else 30 s, 30 s and none. At least 1 ms otherwise.
  std::chrono::milliseconds interval{0};
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds start_period{0};  // failures do not count so long, until the first success
  unsigned retries = 0;  // failures in a row that make it unhealthy; 0: the image's, else 3
  bool operator==(const HealthCheck&) const = default;
};

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(HealthCheck::Probe probe);

struct BoxSpec {
  // An image reference in Docker's notation ("debian:12"). Pulled at the first start when it is not stored.
  std::string image = "boxlite/base:latest";
  // Unique in the home; [A-Za-z0-9][A-Za-z0-9_.-]{0,127}. Empty: the box has only its id.
  std::string name = {};
  // "linux/amd64"; empty: the host's.
  std::string platform = {};
  // Words of the caller's own, to find the box by: keys that are not empty, each once; at most 64 KiB in all.
  std::vector<std::pair<std::string, std::string>> labels = {};

  unsigned cpus = 1;               // 1..64
  std::uint64_t memory_mib = 512;  // 64..1048576, and not more than the host gives a process
  // Size the box's disk can grow to, in GiB, 1..16384. It occupies only what is written.
  std::uint64_t disk_size_gib = 10;

  // The main command: `entrypoint` replaces the image's when set, `command` the image's CMD when not empty.
  std::optional<std::vector<std::string>> entrypoint = {};
  std::vector<std::string> command = {};
  // Its standard input. False: /dev/null, unless the command is the image's own: then it waits for input that
  // an attached client may give, so that a box made of `sh` or `python3` stays. True: so for any command.
  bool use_stdin = false;
  bool terminal = false;                      // it gets a terminal, and stdout carries everything
  std::vector<EnvironmentVariable> env = {};  // over the image's
  std::string working_dir = {};               // absolute; empty: the image's
  std::string user = {};                      // name|uid[:group|gid]; empty: the image's
  std::string hostname = {};                  // empty: the first 12 characters of the id
  CapabilityChanges capabilities = {};
  bool privileged = false;  // all capabilities, no masked paths; still inside its own VM
  // Each name once. Without nofile: 1048576 of them.
  std::vector<Ulimit> ulimits = {};
  // The box's "/" cannot be written; mounts, /dev and /dev/shm can.
  bool read_only = false;
  std::uint64_t shm_bytes = 0;  // what /dev/shm may hold; 0: half of the box's memory

  // Process 1 is an init of ours, which starts the main command, passes signals on to it and reaps orphans.
  bool init = false;
  // The main command is systemd or the like: /run, /run/lock and /tmp are empty tmpfs, its cgroups are
  // writable, `container` is set in its environment, and RTMIN+3 stops it.
  bool systemd = false;
  // What stop() sends to the main command: "QUIT", "SIGRTMIN+3", "3". Empty: the image's, else TERM.
  std::string stop_signal = {};
  // How long it then gets, unless StopOptions say so. Not set: 2 s. At most a day.
  std::optional<std::chrono::milliseconds> stop_timeout = {};

  NetworkSpec network = {};
  std::vector<Secret> secrets = {};  // at most 64
  // A file of the host with certificates (PEM) of authorities that secrets' hosts may have besides those that
  // the host's system trusts. Absolute; empty: none.
  std::filesystem::path secret_authorities = {};
  // Files of the host with certificates (PEM) of authorities that programs in the box shall trust besides
  // those of the image; read at each start. Absolute, or "system": those that the host trusts.
  std::vector<std::filesystem::path> authorities = {};

  // At most 256, each at another place. Not at "/" and not below "/proc".
  std::vector<Mount> mounts = {};
  // Whose the host user's own files are in the box, in folders of the host: "box", the user that commands
  // have by default; "host", the numbers that they have on the host; or "UID:GID". Empty: "box". What the box
  // says of owners beyond that is kept beside the files, in an extended attribute.
  std::string folder_owner = {};

  // True: the machine outlives this process. False: it is shut down when this process ends, however it ends.
  bool detach = false;
  // Remove the box, disk included, once it has stopped.
  bool auto_remove = false;
  RestartPolicy restart = {};  // not with auto_remove
  LogLimits logs = {};
  HealthCheck health = {};
  // Stop the box when it has been idle so long: no client is attached and no command runs but the main one,
  // which counts for nothing whatever it does. Zero: never. Else at least 100 ms.
  std::chrono::milliseconds auto_stop{0};
  // Remove the box, disk included, when it has been stopped or failed so long; done by the next process that
  // opens the home, since nothing of a stopped box runs. Zero: never.
  std::chrono::milliseconds auto_delete{0};
  // How long the machine may take from spawning to a ready container. Zero: 30 s with hardware
  // virtualization, 120 s emulated.
  std::chrono::milliseconds start_timeout{0};
  // Boot the machine instead of going on from the saved one that boxes of its shape share: slower, and
  // nothing of the guest kernel's (its address layout, for one) is the same as in another box.
  bool cold_start = false;

  bool operator==(const BoxSpec&) const = default;
};

struct TerminalSize {
  unsigned rows = 24;
  unsigned columns = 80;
  bool operator==(const TerminalSize&) const = default;
};

struct ExecSpec {
  // The program and its arguments; the program is looked up in the PATH of the command's environment, in the
  // box.
  std::vector<std::string> command = {};
  std::vector<EnvironmentVariable> env = {};  // over the box's
  std::string working_dir = {};               // empty: the box's
  std::string user = {};                      // empty: the box's
  // False: the command reads from /dev/null. True: feed it with write_stdin and end it with close_stdin.
  bool use_stdin = false;
  // Set: the command gets a terminal of this size, and stdout carries everything.
  std::optional<TerminalSize> terminal = {};
  // Zero: none. After it the command and all its children are killed; ExitStatus::timed_out is set.
  std::chrono::milliseconds timeout{0};
  bool privileged = false;  // all capabilities, when it runs as root

  bool operator==(const ExecSpec&) const = default;
};

// How a program in a box ended: never an Error, because BoxLite did what it was asked to do.
struct ExitStatus {
  // The program's own code; 126: found but not executable, 127: not found (then `reason` says what). 0 when
  // ended by a signal.
  int exit_code = 0;
  int signal = 0;  // 0: it exited by itself
  bool timed_out = false;
  bool oom_killed = false;
  std::string reason = {};  // empty, or why the program could not be started
  TimePoint started_at = {};
  TimePoint ended_at = {};
  std::chrono::nanoseconds cpu_time{0};  // of the command and everything it started
  std::uint64_t peak_memory_bytes = 0;   // of all of them together, page cache included

  bool is_success() const { return exit_code == 0 && signal == 0; }
  // What a shell would report: the exit code, or 128 + signal.
  int shell_code() const { return signal != 0 ? 128 + signal : exit_code; }
  bool operator==(const ExitStatus&) const = default;
};

}  // namespace boxlite
