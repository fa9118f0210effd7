// SPDX-License-Identifier: Apache-2.0
// What agent and file server say to each other on the folders' channel beside FUSE messages, framed as those
// are: with an opcode, or a notification's code, that the kernel does not have.
#pragma once

#include <cstdint>
#include <string_view>

namespace boxlite::wire {

inline constexpr std::string_view folders_port_name = "boxlite.folders";
inline constexpr std::string_view folders_share = "folders";

inline constexpr std::uint32_t first_folder_order = 1000;

// From the agent, never answered: whose the host user's files are in this box.
inline constexpr std::uint32_t box_user_order = 1000;
struct BoxUser {
  std::uint32_t uid;
  std::uint32_t gid;
};

}  // namespace boxlite::wire
