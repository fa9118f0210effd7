// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "fileserver/channel.h"
#include "fileserver/nodes/node_table.h"
#include "fileserver/request.h"
#include "wire/folder_orders.h"

namespace boxlite::fileserver {

// What programs of the host did, for the guest to repeat (wire/folder_orders.h): inotify in the box hears of
// it so. One at a time; the requests that come of it are known by the process that sends them, and change
// nothing on the host. Loop thread only.
class Echoes {
 public:
  struct Echo {
    wire::HostChange change = {};
    Place place = {};
    Place target = {};  // of what was moved

    bool operator==(const Echo&) const = default;
  };

  Echoes(Channel& channel, NodeTable& nodes) : channel_(channel), nodes_(nodes) {}

  // The guest repeats from now on, in this process.
  void begin(std::uint32_t repeater);
  // False: the guest is too far behind, and what it was to repeat is given up.
  bool add(Echo echo);
  // Something happened in these directories that cannot be told: the guest is to say of each that its
  // attributes changed, upon which those who watch look into it. What waited is given up.
  void look_into(std::deque<std::uint64_t> directories);
  // The process that repeats (0: none), and what it was told to at the moment, to go on with.
  std::uint32_t repeater() const { return repeater_; }
  const std::optional<Echo>& told() const { return told_; }
  void restore(std::uint32_t repeater, std::optional<Echo> told);
  // The guest has repeated the one that it was told.
  void done();
  void clear();

  // Whether the request is of the process that repeats.
  bool is_of_repeater(const Request& request) const;

 private:
  // As many as the kernel's own queue of events takes.
  static constexpr std::size_t max_waiting = 16'384;
  void tell_next();
  bool tell(Echo echo);
  std::optional<Echo> take_next();
  std::optional<std::string> path_of(const Place& place);

  Channel& channel_;
  NodeTable& nodes_;
  std::uint32_t repeater_ = 0;
  std::deque<std::uint64_t> to_look_into_;  // before what waits
  std::deque<Echo> waiting_;
  std::optional<Echo> told_;
};

}  // namespace boxlite::fileserver
