// SPDX-License-Identifier: Apache-2.0
#include "fileserver/host_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileserver/session.h"

namespace boxlite::fileserver {
namespace {

constexpr std::uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t file_events = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE;
// More cannot be under way: the kernel would have said that it lost some.
constexpr std::size_t max_expected = 16'384;

}  // namespace

HostWatch::HostWatch(linux_::EventLoop& loop, Session& session) : loop_(loop), session_(session) {
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.is_open()) return;
  auto watch = loop_.watch(inotify_.get(), true, false, [this](linux_::Readiness) { on_ready(); });
  if (watch) ready_ = std::move(*watch);
}

void HostWatch::cover(Node& node, const UniqueFd& fd) {
  if (node.watch >= 0 || !ready_.is_active()) return;
  const auto path = session_.tree().path_of(fd.get());
  const std::uint32_t events = node.type == S_IFDIR ? name_events | file_events | IN_EXCL_UNLINK : file_events;
  node.watch = ::inotify_add_watch(inotify_.get(), path.c_str(), events);
  if (node.watch >= 0) watched_[node.watch].nodes.push_back(node.id);
}

void HostWatch::forget(const Node& node) {
  const auto found = watched_.find(node.watch);
  if (found == watched_.end()) return;
  std::erase(found->second.nodes, node.id);
  if (!found->second.nodes.empty()) return;
  ::inotify_rm_watch(inotify_.get(), node.watch);
  watched_.erase(found);
}

void HostWatch::expect(const Node& directory, std::string_view name, std::uint32_t event) {
  const auto found = watched_.find(directory.watch);
  if (found == watched_.end()) return;
  auto& expected = found->second.expected;
  if (expected.size() >= max_expected) expected.pop_front();
  expected.push_back({directory.id, std::string(name), event});
}

void HostWatch::on_ready() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  const auto got = ::read(inotify_.get(), buffer.data(), buffer.size());
  for (ssize_t at = 0; at < got;) {
    inotify_event header;
    std::memcpy(&header, buffer.data() + at, sizeof header);
    const char* name = buffer.data() + at + sizeof header;
    handle({header.wd, header.mask, header.len == 0 ? std::string() : std::string(name)});
    at += static_cast<ssize_t>(sizeof header + header.len);
  }
}

std::uint64_t HostWatch::take_expected(Watched& watched, const Event& event) {
  const auto found = std::ranges::find_if(watched.expected, [&](const Expected& expected) {
    return expected.event == (event.mask & name_events) && expected.name == event.name;
  });
  if (found == watched.expected.end()) return 0;
  const auto directory = found->directory;
  watched.expected.erase(found);
  return directory;
}

void HostWatch::handle(const Event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return lose_track();
  const auto found = watched_.find(event.watch);
  if (found == watched_.end()) return;
  const auto nodes = found->second.nodes;
  if ((event.mask & IN_IGNORED) != 0) {
    for (const auto id : nodes)
      if (auto* node = session_.nodes().find(id); node != nullptr) node->watch = -1;
    watched_.erase(found);
    return;
  }
  const auto own = (event.mask & name_events) != 0 ? take_expected(found->second, event) : 0;
  for (const auto id : nodes) {
    auto* node = session_.nodes().find(id);
    if (node == nullptr || id == own) continue;
    if (event.name.empty()) {
      on_file(*node);
    } else {
      on_name(*node, event);
    }
  }
}

void HostWatch::on_name(Node& directory, const Event& event) {
  auto* file = session_.nodes().child(directory.id, event.name);
  if ((event.mask & name_events) == 0) {
    if (file != nullptr) on_file(*file);
    return;
  }
  session_.invalidate(directory);
  session_.invalidate_entry(directory.id, event.name);
  if (file != nullptr && (event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0)
    session_.nodes().remove({directory.id, event.name});
}

// What the guest itself did is as it was told.
void HostWatch::on_file(Node& node) {
  const auto found = session_.tree().find(node);
  if (found && version_of(found->status) == node.told) return;
  if (found) node.told = version_of(found->status);
  session_.invalidate(node);
}

void HostWatch::lose_track() {
  for (auto& [watch, watched] : watched_) watched.expected.clear();
  session_.nodes().for_each([this](Node& node) {
    node.told = {};
    session_.invalidate(node);
    for (const auto& place : node.places) session_.invalidate_entry(place.parent, place.name);
  });
}

}  // namespace boxlite::fileserver
