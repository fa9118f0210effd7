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

// The guest has it open from now on.
Answer<fuse_open_out> take_in(Session& session, Node& node, UniqueFd fd, std::uint32_t guest_flags);

}  // namespace boxlite::fileserver
