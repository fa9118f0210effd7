// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "fuse/bridge.h"

namespace boxlite::fuse {

// Runs the bridge on the calling thread, and does on it what the server says that the host has done
// (wire/folder_orders.h), in the file system that is mounted at `root` (by then), for the guest's kernel to
// tell those who watch. Where no process watches anything (has an inotify descriptor), nothing is done.
void run_and_repeat(Bridge& bridge, const std::filesystem::path& root);

}  // namespace boxlite::fuse
