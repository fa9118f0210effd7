// SPDX-License-Identifier: Apache-2.0
#include "net/flow_table.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace boxlite::net {
namespace {

using std::chrono::seconds;

// Below it are ports that programs give a meaning to; there are always more than flows.
constexpr std::uint16_t first_inner_port = 1024;

seconds idle_limit(const FlowEntry& entry) {
  if (entry.state == FlowEntry::State::held) return seconds(120);
  switch (entry.key.protocol) {
    case netpolicy::Protocol::icmp: return seconds(30);
    case netpolicy::Protocol::udp: return seconds(120);  // RFC 4787: what comes later finds no way in
    case netpolicy::Protocol::tcp: break;
  }
  // Its last packets may have to be sent again. An open one may be silent for as long as its ends like.
  if (entry.guest_ended && entry.remote_ended) return seconds(10);
  return std::chrono::hours(24);
}

}  // namespace

std::size_t FlowKeyHash::operator()(const FlowKey& key) const {
  const auto bytes = key.remote.bytes();
  const auto address =
      std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto ports = static_cast<std::size_t>(key.remote_port) << 32 |
                     static_cast<std::size_t>(key.guest_port) << 8 | static_cast<std::size_t>(key.protocol);
  return address ^ (ports * 0x9e3779b97f4a7c15u);
}

std::size_t FlowTable::list_of(const FlowEntry& entry) {
  if (entry.guest_ended && entry.remote_ended) return ended_tcp;
  return static_cast<std::size_t>(entry.key.protocol);
}

void FlowTable::touch(Entries::iterator entry, Clock::time_point now) {
  entry->used = now;
  auto& before = entries_[entry->list];
  entry->list = list_of(*entry);
  auto& list = entries_[entry->list];
  list.splice(list.begin(), before, entry);
}

FlowEntry* FlowTable::find(const FlowKey& key, Clock::time_point now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  touch(found->second, now);
  return &*found->second;
}

FlowEntry* FlowTable::find_inner(std::uint16_t port, Clock::time_point now) {
  const auto found = by_inner_.find(port);
  if (found == by_inner_.end()) return nullptr;
  touch(found->second, now);
  return &*found->second;
}

FlowEntry* FlowTable::find_number(std::uint64_t number) {
  for (auto& list : entries_) {
    const auto found = std::ranges::find(list, number, &FlowEntry::number);
    if (found != list.end()) return &*found;
  }
  return nullptr;
}

std::uint16_t FlowTable::choose_inner_port() {
  do {
    last_inner_ =
        last_inner_ < first_inner_port ? first_inner_port : static_cast<std::uint16_t>(last_inner_ + 1);
  } while (last_inner_ < first_inner_port || by_inner_.contains(last_inner_));
  return last_inner_;
}

FlowEntry& FlowTable::insert(FlowEntry entry, Clock::time_point now, std::list<FlowEntry>& evicted) {
  entry.list = list_of(entry);
  auto& list = entries_[entry.list];
  if (list.size() >= capacity_[entry.list]) evicted.splice(evicted.end(), take(std::prev(list.end())));
  auto& ended = entries_[ended_tcp];
  while (ended.size() > capacity_[ended_tcp]) evicted.splice(evicted.end(), take(std::prev(ended.end())));
  entry.number = ++last_number_;
  entry.began = now;
  entry.used = now;
  if (entry.state == FlowEntry::State::inspected) entry.inner_port = choose_inner_port();
  list.push_front(std::move(entry));
  by_key_.emplace(list.front().key, list.begin());
  if (list.front().inner_port != 0) by_inner_.emplace(list.front().inner_port, list.begin());
  return list.front();
}

FlowTable::Entries FlowTable::take(Entries::iterator entry) {
  by_key_.erase(entry->key);
  if (entry->inner_port != 0) by_inner_.erase(entry->inner_port);
  Entries taken;
  taken.splice(taken.begin(), entries_[entry->list], entry);
  return taken;
}

void FlowTable::remove(const FlowKey& key) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) take(found->second);
}

std::list<FlowEntry> FlowTable::take_expired(Clock::time_point now) {
  return take_unless([now](const FlowEntry& entry) { return now - entry.used < idle_limit(entry); });
}

std::list<FlowEntry> FlowTable::take_unless(const std::function<bool(const FlowEntry&)>& is_wanted) {
  Entries taken;
  for (auto& list : entries_) {
    for (auto entry = list.begin(); entry != list.end();) {
      const auto next = std::next(entry);
      if (!is_wanted(*entry)) taken.splice(taken.end(), take(entry));
      entry = next;
    }
  }
  return taken;
}

}  // namespace boxlite::net
