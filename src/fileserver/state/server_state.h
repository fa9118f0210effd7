// SPDX-License-Identifier: Apache-2.0
// What a file server knows of its guest, as bytes, for another process to go on with.
//
// The format is our own, so that the server links no library for it: numbers little-endian, a text or a list
// begins with the 32-bit number of its bytes or entries. "BLFS", the version of the format (32 bits), then
// the fields in the order of the structures below, then "SFLB". A reader takes no other version: a state is
// taken up by the program that wrote it, or one of the same version.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fileserver/nodes/node_table.h"
#include "fileserver/watch/echoes.h"

namespace boxlite::fileserver {

struct ServerState {
  // Of locks: on the whole file (flock, of an open file) or on ranges (fcntl, of an owner in the guest).
  struct Range {
    bool is_exclusive = false;
    std::uint64_t start = 0;
    std::uint64_t end = 0;

    bool operator==(const Range&) const = default;
  };
  struct NodeState {
    std::uint64_t id = 0;
    Identity identity = {};
    std::uint32_t type = 0;
    std::string folder = {};  // the name of the one that it is in
    std::vector<Place> places = {};
    std::uint64_t lookups = 0;
    bool is_watched = false;
    Version known = {};
    Version shown = {};
    std::uint64_t last_notice = 0;

    bool operator==(const NodeState&) const = default;
  };
  struct FileState {
    std::uint64_t id = 0;
    std::uint64_t node = 0;
    std::uint32_t flags = 0;               // it was opened with (F_GETFL)
    std::optional<Range> whole_lock = {};  // flock
    Version version = {};                  // when it was written down

    bool operator==(const FileState&) const = default;
  };
  struct OwnerState {
    std::uint64_t node = 0;
    std::uint64_t owner = 0;
    std::uint64_t file = 0;  // by which it locked, last
    std::vector<Range> ranges = {};

    bool operator==(const OwnerState&) const = default;
  };

  // What was agreed on with the guest's kernel.
  std::uint32_t minor = 0;
  std::uint64_t features = 0;
  std::uint32_t box_uid = 0;
  std::uint32_t box_gid = 0;
  std::uint32_t repeater = 0;
  std::optional<Echoes::Echo> told = {};  // that the guest repeats at the moment
  std::uint64_t notices_sent = 0;
  std::uint64_t notices_done = 0;
  std::uint32_t notices_acknowledged = 0;  // 1: the guest says what it has done
  std::uint64_t last_node = 0;
  std::uint64_t last_file = 0;
  std::vector<std::uint64_t> devices = {};  // in the order in which the guest's inode numbers have them
  std::vector<Place> absent = {};           // names that the guest keeps as no files
  std::vector<NodeState> nodes = {};        // without the root
  std::vector<FileState> files = {};
  std::vector<OwnerState> owners = {};
  std::vector<std::string> waiting = {};  // requests that are not answered yet, whole
  std::string unread = {};                // the beginning of the next one

  bool operator==(const ServerState&) const = default;
};

std::string encode(const ServerState& state);
// corrupted: these are no bytes of encode()'s. What it returns may still say what cannot be: of nodes, files
// and locks that are not there nothing is taken up.
Result<ServerState> decode_server_state(std::string_view bytes);

}  // namespace boxlite::fileserver
