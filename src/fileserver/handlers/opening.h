// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/unique_fd.h"
#include "fileserver/answer.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

// What a file of the host is opened with for a guest that asks for these flags: never one that leads
// elsewhere, waits, or makes something.
int host_open_flags(std::uint32_t guest_flags);

// The guest has it open from now on; `found.fd` was opened for that.
Answer<fuse_open_out> take_in(Session& session, Node& node, const Found& found, std::uint32_t guest_flags);
// A file that was opened, as it is.
Answer<Found> found_open(UniqueFd fd);

}  // namespace boxlite::fileserver
