// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "fileserver/watch/notices.h"

namespace boxlite::fileserver {

// Requests that go on once the guest has forgotten what it was to. Loop thread only.
class WaitingRequests {
 public:
  explicit WaitingRequests(const Notices& notices) : notices_(notices) {}

  // False: nothing is to be waited for (the notice is done, or the guest never says that it is), or too many
  // wait.
  bool add(std::uint64_t notice, std::string_view request);
  // Those whose notice is done, in the order in which they came.
  std::vector<std::string> take_done();
  std::vector<std::string> take_all();
  void clear() { waiting_.clear(); }

 private:
  struct Waiting {
    std::uint64_t notice;
    std::string request;
  };

  const Notices& notices_;
  std::deque<Waiting> waiting_;
};

}  // namespace boxlite::fileserver
