// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fileserver/locks/waiting_requests.h"
#include "fileserver/request.h"
#include "fileserver/watch/notices.h"

namespace boxlite::fileserver {

// Requests to open files of which the guest's kernel has not forgotten yet what it was to: until it has, an
// answer that was on its way meanwhile may have brought an older size back. The kernel holds nothing that a
// notice waits for while a program waits for an open file. Loop thread only.
class PostponedOpens {
 public:
  explicit PostponedOpens(const Notices& notices) : waiting_(notices) {}

  // Whether the request has to wait for that notice; it is kept then. Once is enough: a host that goes on
  // writing does not keep the guest out.
  bool postpone(const Request& request, std::uint64_t notice);
  // Handles those whose notice is done.
  void go_on(const std::function<void(std::string_view request)>& handle);
  // Whether the request that is handled was postponed.
  bool is_going_on() const { return is_going_on_; }
  // What has not been handled.
  std::vector<std::string> suspend() { return waiting_.take_all(); }
  void clear() { waiting_.clear(); }

 private:
  WaitingRequests waiting_;
  bool is_going_on_ = false;
};

}  // namespace boxlite::fileserver
