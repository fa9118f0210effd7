// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/unique_fd.h"
#include "linux/process/cgroup.h"
#include "wire/messages.h"

namespace boxlite::agent {

inline constexpr std::string_view first_process_is_ready = "ready";

// The container's process 1, in its new namespaces: builds the mounts, moves to `own_cgroup` and writes
// first_process_is_ready or an error to `report`. It then waits at `orders` for the main command
// (main_order.h) and becomes it, or its init; until then, and when none comes, it reaps orphans.
// To `orders` it writes a BirthFailure when that went wrong, and closes it in any case.
[[noreturn]] void run_first_process(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup,
                                    UniqueFd report, UniqueFd orders);

// A process with a pid namespace of its own does the same from the order on, in a container that is prepared.
[[noreturn]] void run_understudy(int mount_namespace, UniqueFd orders);

}  // namespace boxlite::agent
