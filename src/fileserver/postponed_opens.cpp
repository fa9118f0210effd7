// SPDX-License-Identifier: Apache-2.0
#include "fileserver/postponed_opens.h"

#include <utility>

#include "base/scope_exit.h"

namespace boxlite::fileserver {
namespace {

// No guest has so many threads.
constexpr std::size_t max_waiting = 4096;

}  // namespace

bool PostponedOpens::postpone(const Request& request, std::uint64_t notice) {
  if (is_going_on_ || !notices_.are_acknowledged() || notices_.is_done(notice)) return false;
  if (waiting_.size() >= max_waiting) return false;
  waiting_.push_back({notice, std::string(request.whole())});
  return true;
}

void PostponedOpens::go_on(const std::function<void(std::string_view)>& handle) {
  is_going_on_ = true;
  const ScopeExit ended([this] { is_going_on_ = false; });
  for (auto& [notice, request] : std::exchange(waiting_, {})) {
    if (notices_.is_done(notice))
      handle(request);
    else
      waiting_.push_back({notice, std::move(request)});
  }
}

std::vector<std::string> PostponedOpens::suspend() {
  std::vector<std::string> requests;
  for (auto& postponed : std::exchange(waiting_, {})) requests.push_back(std::move(postponed.request));
  return requests;
}

}  // namespace boxlite::fileserver
