// SPDX-License-Identifier: Apache-2.0
#include "fileserver/locks/granted_locks.h"

#include "fileserver/request.h"

namespace boxlite::fileserver {

void GrantedLocks::answer(std::uint64_t unique, std::string_view request) {
  watch_.hear_all();
  if (!waiting_.add(notices_.last(), request)) channel_.answer(unique, 0);
}

void GrantedLocks::go_on() {
  for (const auto& message : waiting_.take_done())
    if (const auto request = Request::parse(message)) channel_.answer(request->unique(), 0);
}

}  // namespace boxlite::fileserver
