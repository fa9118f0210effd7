// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "netpolicy/address.h"

namespace boxlite::net {

// Which names our DNS gave the guest for an address: what makes a rule about a name say something about a
// packet. Bounded; when it is full, the address that nobody used for longest goes. One thread.
class NameTable {
 public:
  using Clock = std::chrono::steady_clock;

  // A program may use an address for longer than DNS let it, so a name stays for ten minutes at least after
  // it was given or last used, and for a day at most on the word of DNS.
  static constexpr std::chrono::seconds shortest_life = std::chrono::minutes(10);
  static constexpr std::chrono::seconds longest_life = std::chrono::hours(24);
  static constexpr std::size_t most_addresses = 4096;
  static constexpr std::size_t most_names = 16;  // of one address; the oldest goes

  explicit NameTable(std::size_t capacity = most_addresses) : capacity_(capacity) {}

  // The guest was told so. `name` is normal (net/rule.h).
  void pin(std::string_view name, const netpolicy::IpAddress& address, std::chrono::seconds ttl,
           Clock::time_point now = Clock::now());
  // Known for as long as the table is, whatever DNS says.
  void fix(std::string_view name, const netpolicy::IpAddress& address);
  // For Flow::names. Asking counts as a use.
  std::vector<std::string> names(const netpolicy::IpAddress& address, Clock::time_point now = Clock::now());
  // A flow to the address ended, or goes on: counts as a use.
  void touch(const netpolicy::IpAddress& address, Clock::time_point now = Clock::now());
  std::size_t size() const { return entries_.size(); }

 private:
  struct Name {
    std::string text;
    Clock::time_point end;
  };
  struct Entry {
    std::vector<Name> names;  // the oldest first
    std::list<netpolicy::IpAddress>::iterator use;
  };
  using Entries = std::map<netpolicy::IpAddress, Entry>;

  Entry* use(const netpolicy::IpAddress& address, Clock::time_point now);
  Entry& entry_for(const netpolicy::IpAddress& address);
  void drop(Entries::iterator entry);

  std::size_t capacity_;
  std::map<netpolicy::IpAddress, std::vector<std::string>> fixed_;
  Entries entries_;                       // by canonical address
  std::list<netpolicy::IpAddress> uses_;  // the latest first
};

}  // namespace boxlite::net
