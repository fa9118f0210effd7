// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

#include "agent/container/limits.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/process/capabilities.h"
#include "linux/process/cgroup.h"
#include "wire/messages.h"

namespace boxlite::agent {

// What every command of the container starts from. A checked value.
struct ContainerDefaults {
  std::vector<std::string> env;
  std::string working_dir;
  std::string user;
  std::string hostname;
  linux_::CapabilitySet capabilities = 0;
  std::vector<std::pair<int, rlimit>> rlimits;
};

// invalid_argument for names that do not exist. Has RLIMIT_NOFILE 1048576 unless the spec says otherwise.
Result<ContainerDefaults> check_container_spec(const wire::msg::ContainerSpec& spec, std::string hostname);

// A cgroup for one command, below the container's; the execution removes it.
struct CommandCgroup {
  std::string name;
  linux_::Cgroup cgroup;
};

// The container's process 1 before it is the main command.
struct FirstProcess {
  pid_t pid = 0;  // as the agent sees it
  UniqueFd pidfd;
  UniqueFd orders;  // where it waits for its order (main_order.h)
};

// For commands that come too late.
Error main_has_ended();

// The place where commands run: pid, mount, uts, ipc and cgroup namespaces, with a first process of ours that
// becomes the main command. From start() on, every child of the calling process is born in all of the
// container's namespaces but that of mounts, and its host name is the container's.
class Container {
 public:
  // The disk is mounted on root_dir. Once per process.
  static Result<std::unique_ptr<Container>> start(const wire::msg::ContainerSpec& spec,
                                                  ContainerDefaults defaults);
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const ContainerDefaults& defaults() const { return defaults_; }
  // Legal until the first command.
  void set_defaults(ContainerDefaults defaults) { defaults_ = std::move(defaults); }
  // Once: what the main command is made of, and its cgroup. invalid_state when there is one already.
  Result<std::pair<FirstProcess, CommandCgroup>> take_first_process();
  // One that does as the first process would, in a pid namespace of its own, and leaves that one alone.
  Result<FirstProcess> start_understudy(const linux_::Cgroup& cgroup) const;
  // What the first process had used before it was the main command.
  std::uint64_t preparing_cpu_ns() const { return preparing_cpu_ns_; }
  // For setns. The one that was prepared, wherever the main command may have gone.
  int mount_namespace() const { return mount_namespace_.get(); }
  // The container's "/" (O_PATH). Open below it with linux_::open_in_root only.
  int root_fd() const { return root_.get(); }
  const Limits& limits() const { return limits_; }
  // The cgroup that holds all of the container's.
  const linux_::Cgroup& cgroup() const { return cgroup_; }

  // A regular file of the container, whole; empty when it does not exist or is larger than `limit`.
  std::string read_file(const std::string& path, std::size_t limit) const;
  // Has the file, if there is one, in memory, up to a bound.
  void read_ahead(const std::string& path) const;
  // A new terminal of the container's devpts: the master's side, non-blocking, and the slave's.
  Result<std::pair<UniqueFd, UniqueFd>> open_terminal() const;

  // KILL to everything, the first process included. It ends when all others have been reaped.
  void kill() const;
  bool has_ended() const;
  // The first process is on its way out: it runs no program any more.
  bool is_ending() const;
  // Lets go of the container's files, so that the disk can be unmounted.
  void release();

 private:
  Container(ContainerDefaults defaults, linux_::Cgroup cgroup, linux_::Cgroup main_cgroup,
            FirstProcess first);
  Result<void> open_places();

  ContainerDefaults defaults_;
  Limits limits_ = limits_for(machine_memory_bytes());
  linux_::Cgroup cgroup_;
  pid_t first_pid_;
  UniqueFd first_pidfd_;
  std::optional<std::pair<FirstProcess, CommandCgroup>> first_;  // until it is taken
  std::uint64_t preparing_cpu_ns_;
  UniqueFd mount_namespace_;
  UniqueFd root_;
  UniqueFd devpts_;
};

}  // namespace boxlite::agent
