// SPDX-License-Identifier: Apache-2.0
#include "fileserver/granted_locks.h"

#include <utility>

namespace boxlite::fileserver {
namespace {

// No guest has so many threads; one that does not say what it has done waits for itself.
constexpr std::size_t max_granted = 4096;

}  // namespace

void GrantedLocks::answer(std::uint64_t unique, std::string_view request) {
  watch_.hear_all();
  if (!notices_.are_acknowledged() || notices_.are_all_done() || waiting_.size() >= max_granted)
    return channel_.answer(unique, 0);
  waiting_.push_back({unique, notices_.last(), std::string(request)});
}

void GrantedLocks::go_on() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    const auto& first = waiting_.front();
    if (!notices_.is_done(first.last_notice) && !notices_.are_all_done()) return;
    channel_.answer(first.unique, 0);
  }
}

std::vector<std::string> GrantedLocks::suspend() {
  std::vector<std::string> requests;
  for (auto& granted : waiting_) requests.push_back(std::move(granted.request));
  waiting_.clear();
  return requests;
}

}  // namespace boxlite::fileserver
