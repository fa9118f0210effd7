// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "net/flow.h"

namespace boxlite::net {

// A flow as its packets tell it: the other end, as the guest calls it, and the guest's port.
struct FlowKey {
  Protocol protocol = Protocol::tcp;
  IpAddress remote = {};
  std::uint16_t remote_port = 0;  // 0 for icmp
  std::uint16_t guest_port = 0;   // of icmp: the identifier

  bool operator==(const FlowKey&) const = default;
};

struct FlowKeyHash {
  std::size_t operator()(const FlowKey& key) const;
};

// A flow that goes on.
struct FlowEntry {
  using Clock = std::chrono::steady_clock;
  enum class State : std::uint8_t {
    open,       // by slirp
    inspected,  // led to a StreamHandler
    held,       // somebody is asked
  };

  FlowKey key = {};
  Flow flow = {};
  State state = State::open;
  bool is_inbound = false;       // the other end began it
  std::uint64_t number = 0;      // never used twice
  std::uint16_t inner_port = 0;  // inspected: the guest's port as slirp knows it
  std::string held_frame = {};   // held: its first
  Clock::time_point began = {};
  Clock::time_point used = {};
  std::uint64_t sent = 0;  // bytes of packets, by the guest
  std::uint64_t received = 0;
  // TCP: the first number of the guest, the next one that it will use, and the one that it wants.
  std::uint32_t guest_first = 0;
  std::uint32_t guest_next = 0;
  std::uint32_t guest_wants = 0;
  bool guest_ended = false;
  bool remote_ended = false;
};

// Bounded: when it is full, the flow that was not used for longest goes. One thread.
class FlowTable {
 public:
  using Clock = FlowEntry::Clock;
  static constexpr std::size_t most_flows = 4096;

  explicit FlowTable(std::size_t capacity = most_flows) : capacity_(capacity) {}

  // Counts as a use. Valid until the entry is removed.
  FlowEntry* find(const FlowKey& key, Clock::time_point now);
  FlowEntry* find_inner(std::uint16_t port, Clock::time_point now);
  FlowEntry* find_number(std::uint64_t number);
  // There is none of its key. Its number and, if it is inspected, its inner port are chosen. `evicted` gets
  // the entry that had to go.
  FlowEntry& insert(FlowEntry entry, Clock::time_point now, std::optional<FlowEntry>& evicted);
  void remove(const FlowKey& key);
  // Takes out those that are over, or were not used for the time of their kind.
  std::list<FlowEntry> take_expired(Clock::time_point now);
  // Those for which `is_wanted` says no, taken out.
  std::list<FlowEntry> take_unless(const std::function<bool(const FlowEntry&)>& is_wanted);
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<FlowEntry>;  // the latest use first
  Entries take(Entries::iterator entry);
  void touch(Entries::iterator entry, Clock::time_point now);

  std::size_t capacity_;
  Entries entries_;
  std::unordered_map<FlowKey, Entries::iterator, FlowKeyHash> by_key_;
  std::unordered_map<std::uint16_t, Entries::iterator> by_inner_;
  std::uint64_t last_number_ = 0;
  std::uint16_t last_inner_ = 0;
};

}  // namespace boxlite::net
