// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/folder_orders.h"

namespace boxlite::agent {

// Before anything else is asked for on the port.
Result<void> tell_box_user(int port_fd, const wire::BoxUser& user);

// `root`: where the file system is mounted soon. A process that carries what the kernel asks of folders to
// the host's file server, and back. It ends when the port does, and the kernel then fails what was asked
// (ENOTCONN).
Result<void> start_folder_bridge(UniqueFd device, UniqueFd port, UniqueFd abort, const std::string& root);

}  // namespace boxlite::agent
