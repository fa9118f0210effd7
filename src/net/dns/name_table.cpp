// SPDX-License-Identifier: Apache-2.0
#include "net/dns/name_table.h"

#include <algorithm>

namespace boxlite::net {

void NameTable::pin(std::string_view name, const netpolicy::IpAddress& address, std::chrono::seconds ttl,
                    Clock::time_point now) {
  auto& names = entry_for(address.canonical()).names;
  const auto end = now + std::clamp(ttl, shortest_life, longest_life);
  const auto known = std::ranges::find(names, name, &Name::text);
  if (known != names.end()) names.erase(known);
  if (names.size() == most_names) names.erase(names.begin());
  names.push_back({std::string(name), end});
}

// The address is the latest used now.
NameTable::Entry& NameTable::entry_for(const netpolicy::IpAddress& address) {
  const auto found = entries_.find(address);
  if (found != entries_.end()) {
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return found->second;
  }
  if (entries_.size() >= capacity_) drop(entries_.find(uses_.back()));
  uses_.push_front(address);
  return entries_.emplace(address, Entry{.names = {}, .use = uses_.begin()}).first->second;
}

void NameTable::drop(Entries::iterator entry) {
  uses_.erase(entry->second.use);
  entries_.erase(entry);
}

NameTable::Entry* NameTable::use(const netpolicy::IpAddress& address, Clock::time_point now) {
  const auto found = entries_.find(address.canonical());
  if (found == entries_.end()) return nullptr;
  std::erase_if(found->second.names, [&](const Name& name) { return name.end <= now; });
  if (found->second.names.empty()) {
    drop(found);
    return nullptr;
  }
  for (auto& name : found->second.names) name.end = std::max(name.end, now + shortest_life);
  return &entry_for(found->first);
}

void NameTable::fix(std::string_view name, const netpolicy::IpAddress& address) {
  fixed_[address.canonical()].emplace_back(name);
}

std::vector<std::string> NameTable::names(const netpolicy::IpAddress& address, Clock::time_point now) {
  std::vector<std::string> texts;
  if (const auto fixed = fixed_.find(address.canonical()); fixed != fixed_.end()) texts = fixed->second;
  if (const auto* entry = use(address, now)) {
    for (const auto& name : entry->names) texts.push_back(name.text);
  }
  return texts;
}

void NameTable::touch(const netpolicy::IpAddress& address, Clock::time_point now) {
  (void)use(address, now);
}

}  // namespace boxlite::net
