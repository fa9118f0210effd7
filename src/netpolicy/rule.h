// SPDX-License-Identifier: Apache-2.0
// One rule of a network policy:
//   [tcp:|udp:]HOST[:PORT[-PORT][,PORT[-PORT]…]]
// HOST is a name, "*.suffix", "*", an address ("192.0.2.1", "[2001:db8::1]") or a range ("10.0.0.0/8",
// "[fc00::/7]"). A v6 address or range needs its brackets only before a port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netpolicy/address.h"
#include "netpolicy/flow.h"

namespace boxlite::netpolicy {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

// Lower-case, without a final dot: how names are compared and kept.
std::string normal_name(std::string_view name);
// The guest's names for the machine it runs on: ours, and the one that programs know from Docker. Names here
// are lower-case and have no final dot. A rule with either means both.
inline constexpr std::string_view host_alias_name = "host.boxlite.internal";
inline constexpr std::string_view docker_alias_name = "host.docker.internal";
// ASCII host name: labels of letters, digits, '-' and '_'. Names of other scripts come in their ASCII form.
bool is_host_name(std::string_view name);

// An immutable value.
class Rule {
 public:
  enum class Host : std::uint8_t { any, name, suffix, range };

  // invalid_argument: the message tells the place of the mistake and what is written there.
  static Result<Rule> parse(std::string_view text);

  const std::string& text() const { return text_; }
  Host host() const { return host_; }
  // Of a name, the host's as ours; of a suffix without its "*.".
  const std::string& name() const { return name_; }
  // Of a range (of one, for an address), canonical.
  const std::optional<Cidr>& range() const { return range_; }
  bool has_ports() const { return !ports_.empty(); }

  bool fits(Protocol protocol, std::uint16_t port) const;
  // `name` is normal. "*" matches every name; "*.x" matches "a.x" and "b.a.x", not "x".
  bool matches_name(std::string_view name) const;
  // `address` is canonical.
  bool matches_address(const IpAddress& address) const;
  // Whether it speaks of this address as what it is: a range that also has addresses of another scope
  // ("0.0.0.0/0") does not open somebody's private network.
  bool names_address(const IpAddress& address) const;
  // Whether all of a host is meant, not some of its ports.
  bool is_for_every_port() const { return ports_.empty() && !protocol_; }

 private:
  Rule() = default;
  friend class RuleParser;

  std::string text_;
  std::optional<Protocol> protocol_;
  Host host_ = Host::any;
  std::string name_;
  std::optional<Cidr> range_;
  std::vector<PortRange> ports_;
};

}  // namespace boxlite::netpolicy
