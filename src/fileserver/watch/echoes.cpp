// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/echoes.h"

#include <string>
#include <string_view>
#include <utility>

#include <limits.h>

#include "base/concat.h"

namespace boxlite::fileserver {

void Echoes::begin(std::uint32_t repeater) {
  clear();
  repeater_ = repeater;
}

void Echoes::clear() {
  to_look_into_.clear();
  waiting_.clear();
  told_.reset();
}

bool Echoes::add(Echo echo) {
  if (repeater_ == 0) return true;
  if (waiting_.size() >= max_waiting) {
    waiting_.clear();
    return false;
  }
  waiting_.push_back(std::move(echo));
  if (!told_) tell_next();
  return true;
}

void Echoes::restore(std::uint32_t repeater, std::optional<Echo> told) {
  clear();
  repeater_ = repeater;
  told_ = std::move(told);
}

void Echoes::done() {
  told_.reset();
  tell_next();
}

void Echoes::look_into(std::deque<std::uint64_t> directories) {
  if (repeater_ == 0) return;
  waiting_.clear();
  to_look_into_ = std::move(directories);
  if (!told_) tell_next();
}

std::optional<Echoes::Echo> Echoes::take_next() {
  while (!to_look_into_.empty()) {
    const auto* node = nodes_.find(to_look_into_.front());
    to_look_into_.pop_front();
    if (node != nullptr && !node->places.empty())
      return Echo{wire::HostChange::attributes_changed, node->places.back()};
  }
  if (waiting_.empty()) return std::nullopt;
  auto echo = std::move(waiting_.front());
  waiting_.pop_front();
  return echo;
}

void Echoes::tell_next() {
  while (auto echo = take_next())
    if (tell(*std::move(echo))) return;
}

bool Echoes::tell(Echo echo) {
  const auto path = path_of(echo.place);
  const auto target = echo.change == wire::HostChange::moved ? path_of(echo.target) : std::string();
  if (!path || !target) return false;
  const wire::Repeat repeat = {.change = echo.change, .reserved = 0};
  const auto paths = concat(*path, '\0', *target, '\0');
  told_ = std::move(echo);
  channel_.notify(wire::repeat_order, {bytes_of(repeat), paths});
  return true;
}

// Below the root; nothing for what the guest has no way to.
std::optional<std::string> Echoes::path_of(const Place& place) {
  std::string path = place.name;
  auto* node = nodes_.find(place.parent);
  while (node != nullptr && node->id != FUSE_ROOT_ID) {
    if (node->places.empty() || path.size() >= PATH_MAX) return std::nullopt;
    path = concat(node->places.back().name, "/", path);
    node = nodes_.find(node->places.back().parent);
  }
  if (node == nullptr || path.size() >= PATH_MAX) return std::nullopt;
  return path;
}

bool Echoes::is_of_repeater(const Request& request) const {
  return repeater_ != 0 && request.header().pid == repeater_;
}

}  // namespace boxlite::fileserver
