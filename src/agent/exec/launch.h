// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <sys/types.h>

#include "agent/container/birth.h"
#include "agent/container/container.h"
#include "agent/exec/launch_plan.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::agent {

struct Launched {
  pid_t container_pid = 0;
  UniqueFd pidfd;
};

// The program could not be started: what a shell would report as 126 or 127.
struct LaunchFailure {
  std::uint32_t exit_code = 0;
  std::string text;
};

// Starts the command in the container, in the cgroup, as a child of this process. Returns when the program
// runs.
Result<std::variant<Launched, LaunchFailure>> launch(const Container& container, int cgroup_fd,
                                                     const LaunchPlan& plan, const StandardFds& fds);
// The container's first process becomes the command, or with `use_init` the command's init. Returns likewise.
Result<std::variant<Launched, LaunchFailure>> launch_main(const Container& container, FirstProcess first,
                                                          const LaunchPlan& plan, const StandardFds& fds,
                                                          bool use_init);

}  // namespace boxlite::agent
