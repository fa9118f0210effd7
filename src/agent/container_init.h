// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/unique_fd.h"
#include "linux/cgroup.h"
#include "wire/messages.h"

namespace boxlite::agent {

inline constexpr std::string_view init_is_ready = "ready";

// The container's first process, in its new namespaces: builds the mounts, moves to `own_cgroup`, writes
// init_is_ready or an error to `report`, then reaps orphans until it is killed.
[[noreturn]] void run_container_init(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& own_cgroup,
                                     UniqueFd report);

}  // namespace boxlite::agent
