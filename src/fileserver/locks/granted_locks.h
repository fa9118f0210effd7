// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fileserver/channel.h"
#include "fileserver/locks/waiting_requests.h"
#include "fileserver/watch/host_watch.h"
#include "fileserver/watch/notices.h"

namespace boxlite::fileserver {

// Locks that the guest has got, and will be told of. Who has a lock reads what others wrote while they had
// it; so the guest's kernel has to have forgotten first what it knew before. Nothing in the kernel that a
// notice waits for is held while a program waits for a lock. Loop thread only.
class GrantedLocks {
 public:
  GrantedLocks(Channel& channel, const Notices& notices, HostWatch& watch)
      : channel_(channel), notices_(notices), watch_(watch), waiting_(notices) {}

  // Answers once the guest has forgotten all that has changed until now. `request`: the whole of it.
  void answer(std::uint64_t unique, std::string_view request);
  // Notices were done.
  void go_on();
  // The requests that have no answer yet: the locks are there, and may be asked for again.
  std::vector<std::string> suspend() { return waiting_.take_all(); }
  void clear() { waiting_.clear(); }

 private:
  Channel& channel_;
  const Notices& notices_;
  HostWatch& watch_;
  WaitingRequests waiting_;
};

}  // namespace boxlite::fileserver
