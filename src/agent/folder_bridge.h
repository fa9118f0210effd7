// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fuse/bridge.h"
#include "wire/folder_orders.h"

namespace boxlite::agent {

// Before anything else is asked for on the port.
Result<void> tell_box_user(int port_fd, const wire::BoxUser& user);

// `root`: where the file system is mounted soon. A process that carries what the kernel asks of folders to
// the host's file server, and back. It ends when the stream does, and the kernel then fails what was asked
// (ENOTCONN).
Result<pid_t> start_folder_bridge(fuse::Ends ends, const std::string& root);

// A process that is the server of a rehearsal (fuse/rehearsal.h). It ends with the file system.
Result<pid_t> start_one_file_server(UniqueFd stream);

}  // namespace boxlite::agent
