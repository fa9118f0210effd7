// SPDX-License-Identifier: Apache-2.0
// What agent and file server say to each other on the folders' channel beside FUSE messages, framed as those
// are: with an opcode, or a notification's code, that the kernel does not have. None is answered.
#pragma once

#include <cstdint>
#include <string_view>

namespace boxlite::wire {

inline constexpr std::string_view folders_port_name = "boxlite.folders";
inline constexpr std::string_view folders_share = "folders";

// From the agent: whose the host user's files are in this box.
inline constexpr std::uint32_t box_user_order = 1000;
struct BoxUser {
  std::uint32_t uid;
  std::uint32_t gid;
};

// From the agent: requests of this process repeat what the host did (below). 0 before it is said.
inline constexpr std::uint32_t repeater_order = 1001;
struct Repeater {
  std::uint32_t pid;
};

// From the server, one after the other: what a program of the host has done in a folder. The agent does the
// same, so that the guest's kernel tells those who watch; the server, which knows whose request it is, does
// nothing but answer. Two paths below the file system's root follow, each with its zero; the second is empty
// but for `moved`.
inline constexpr int repeat_order = 1002;
enum class HostChange : std::uint32_t {
  created,  // a regular file, or any other that is none of the next
  created_directory,
  created_symlink,
  deleted,
  deleted_directory,
  moved,
  modified,
  attributes_changed,
  written,  // closed after it was open for writing
};
struct Repeat {
  HostChange change;
  std::uint32_t reserved;
};

// From the agent: that is done.
inline constexpr std::uint32_t repeated_order = 1003;

// From the agent: the guest's kernel has taken in so many more of the notices that it was sent
// (FUSE_NOTIFY_*). Of none, before the first request: the agent will say so of all. An agent that never does
// is older, and nobody waits for it.
inline constexpr std::uint32_t forgotten_order = 1004;
struct Forgotten {
  std::uint32_t count;
};

inline constexpr std::uint32_t first_folder_order = 1000;

}  // namespace boxlite::wire
