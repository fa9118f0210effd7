// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/postponed_opens.h"

#include "base/scope_exit.h"

namespace boxlite::fileserver {

bool PostponedOpens::postpone(const Request& request, std::uint64_t notice) {
  return !is_going_on_ && waiting_.add(notice, request.whole());
}

void PostponedOpens::go_on(const std::function<void(std::string_view)>& handle) {
  is_going_on_ = true;
  const ScopeExit ended([this] { is_going_on_ = false; });
  for (const auto& request : waiting_.take_done()) handle(request);
}

}  // namespace boxlite::fileserver
