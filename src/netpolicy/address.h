// SPDX-License-Identifier: Apache-2.0
// Addresses of IPv4 and IPv6, as values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace boxlite::netpolicy {

// What may be found at an address. Only `global` is the Internet; the rest is somebody's own.
enum class Scope : std::uint8_t {
  global,
  unspecified,    // 0.0.0.0/8, ::
  loopback,       // 127.0.0.0/8, ::1
  private_range,  // RFC 1918, fc00::/7, fec0::/10, 64:ff9b:1::/48
  cgnat,          // 100.64.0.0/10
  link_local,     // 169.254.0.0/16, fe80::/10
  metadata,       // where clouds answer a machine with its credentials
  multicast,      // 224.0.0.0/4, ff00::/8
  reserved,       // 240.0.0.0/4 with the broadcast address
};
std::string_view name(Scope scope);

// An immutable value. Without an address in hand it is 0.0.0.0.
class IpAddress {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order);
  static IpAddress v6(const Bytes& bytes) { return IpAddress(true, bytes); }
  // In network order: 4 or 16 of them.
  static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);
  // "192.0.2.1", "2001:db8::1"; no brackets, no zone, no leading zeros.
  static std::optional<IpAddress> parse(std::string_view text);
  // nullopt: of another family.
  static std::optional<IpAddress> from_sockaddr(const sockaddr_storage& storage);

  bool is_v4() const { return !is_v6_; }
  bool is_v6() const { return is_v6_; }
  int bits() const { return is_v6_ ? 128 : 32; }
  // 4 or 16 bytes in network order, valid as long as the address is.
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), is_v6_ ? 16u : 4u}; }
  std::uint32_t v4_number() const;  // in host order; of a v4 address

  // The address that it leads to in the end: the v4 one inside of ::ffff:0:0/96 (mapped), ::ffff:0:0:0/96
  // (translated), ::/96 (compatible), 64:ff9b::/96 (NAT64) and 2002::/16 (6to4); any other is itself. Rules
  // and scopes look at this one.
  IpAddress canonical() const;
  // Of an address that may lead through a tunnel (Teredo, ISATAP) to a v4 one that is not global: that one's.
  Scope scope() const;

  std::string str() const;
  // Returns the length of what was written.
  socklen_t to_sockaddr(std::uint16_t port, sockaddr_storage& out) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  IpAddress(bool is_v6, const Bytes& bytes) : is_v6_(is_v6), bytes_(bytes) {}

  std::optional<IpAddress> tunnel_end() const;

  bool is_v6_ = false;
  Bytes bytes_ = {};  // a v4 address fills the first four, the rest is zero
};

// The port of an address that from_sockaddr() understands.
std::uint16_t port_of(const sockaddr_storage& storage);

// All addresses that begin with the same bits. An immutable value; a single address is a range of one.
class Cidr {
 public:
  explicit Cidr(const IpAddress& address) : first_(address), prefix_(address.bits()) {}
  // Bits of `address` behind the prefix are cleared. `prefix` is at most address.bits().
  Cidr(const IpAddress& address, int prefix);
  // "10.0.0.0/8", "fc00::/7", "192.0.2.1".
  static std::optional<Cidr> parse(std::string_view text);

  const IpAddress& first() const { return first_; }
  IpAddress last() const;
  int prefix() const { return prefix_; }
  // Of the same family. Callers who judge pass canonical addresses.
  bool contains(const IpAddress& address) const;
  std::string str() const;

  bool operator==(const Cidr&) const = default;

 private:
  IpAddress first_;
  int prefix_;
};

}  // namespace boxlite::netpolicy
