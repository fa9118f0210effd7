// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace boxlite::agent {

struct DeviceNode {
  std::string name;  // below /dev
  mode_t mode;       // type and permissions
  dev_t device;
};

// What the container's /dev gets: Docker's few, or for a privileged one everything the machine has but the
// agent's own port, the console and the root disk, and the loop devices that can come to be. Reads the
// agent's /dev.
Result<std::vector<DeviceNode>> container_device_nodes(bool privileged);

// Makes them, and the usual symlinks, in the /dev of the calling process.
Result<void> make_device_nodes(const std::vector<DeviceNode>& nodes);

}  // namespace boxlite::agent
