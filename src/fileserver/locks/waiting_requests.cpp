// SPDX-License-Identifier: Apache-2.0
#include "fileserver/locks/waiting_requests.h"

#include <utility>

namespace boxlite::fileserver {
namespace {

// No guest has so many threads; one that does not say what it has done waits for itself.
constexpr std::size_t max_waiting = 4096;

}  // namespace

bool WaitingRequests::add(std::uint64_t notice, std::string_view request) {
  if (!notices_.are_acknowledged() || notices_.is_done(notice) || waiting_.size() >= max_waiting)
    return false;
  waiting_.push_back({notice, std::string(request)});
  return true;
}

std::vector<std::string> WaitingRequests::take_done() {
  std::vector<std::string> done;
  for (auto& [notice, request] : std::exchange(waiting_, {})) {
    if (notices_.is_done(notice))
      done.push_back(std::move(request));
    else
      waiting_.push_back({notice, std::move(request)});
  }
  return done;
}

std::vector<std::string> WaitingRequests::take_all() {
  std::vector<std::string> all;
  for (auto& waiting : std::exchange(waiting_, {})) all.push_back(std::move(waiting.request));
  return all;
}

}  // namespace boxlite::fileserver
