// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "wire/messages.h"

namespace boxlite::agent {

// Turns the calling process's own mount namespace, a copy of the agent's, into the container's: the disk
// becomes "/", with proc, sys, dev and the identity files on top, and nothing of the agent's is left in
// reach.
Result<void> build_container_mounts(const wire::msg::ContainerSpec& spec);

}  // namespace boxlite::agent
