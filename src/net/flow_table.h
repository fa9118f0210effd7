// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>

#include "netpolicy/flow.h"

namespace boxlite::net {

// A flow as its packets tell it: the other end, as the guest calls it, and the guest's port.
struct FlowKey {
  netpolicy::Protocol protocol = netpolicy::Protocol::tcp;
  netpolicy::IpAddress remote = {};
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
  netpolicy::Flow flow = {};
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
  std::size_t list = 0;  // FlowTable's own
};

struct FlowCapacity {
  std::size_t tcp = 1024;
  std::size_t ended_tcp = 256;  // both ends have said so; kept for packets that come again
  std::size_t udp = 4096;
  std::size_t icmp = 256;
};

// Bounded: when there is no room for a flow, the one of its kind that was not used for longest goes. So pings
// cost no connection, and connections that are over none that is alive. One thread.
class FlowTable {
 public:
  using Clock = FlowEntry::Clock;

  explicit FlowTable(const FlowCapacity& capacity = {})
      : capacity_{capacity.tcp, capacity.udp, capacity.icmp, capacity.ended_tcp} {}

  // Counts as a use. Valid until the entry is removed.
  FlowEntry* find(const FlowKey& key, Clock::time_point now);
  FlowEntry* find_inner(std::uint16_t port, Clock::time_point now);
  FlowEntry* find_number(std::uint64_t number);
  // There is none of its key. Its number and, if it is inspected, its inner port are chosen. Those that have
  // to go are put behind `evicted`.
  FlowEntry& insert(FlowEntry entry, Clock::time_point now, std::list<FlowEntry>& evicted);
  void remove(const FlowKey& key);
  // Takes out those that are over, or were not used for the time of their kind.
  std::list<FlowEntry> take_expired(Clock::time_point now);
  // Those for which `is_wanted` says no, taken out.
  std::list<FlowEntry> take_unless(const std::function<bool(const FlowEntry&)>& is_wanted);
  std::size_t size() const { return by_key_.size(); }

 private:
  using Entries = std::list<FlowEntry>;        // the latest use first
  static constexpr std::size_t ended_tcp = 3;  // behind a list for each protocol
  static std::size_t list_of(const FlowEntry& entry);
  Entries take(Entries::iterator entry);
  void touch(Entries::iterator entry, Clock::time_point now);
  std::uint16_t choose_inner_port();

  std::array<std::size_t, 4> capacity_;
  std::array<Entries, 4> entries_;
  std::unordered_map<FlowKey, Entries::iterator, FlowKeyHash> by_key_;
  std::unordered_map<std::uint16_t, Entries::iterator> by_inner_;
  std::uint64_t last_number_ = 0;
  std::uint16_t last_inner_ = 0;
};

}  // namespace boxlite::net
