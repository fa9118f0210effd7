// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/concat.h"

namespace boxlite::netpolicy {
namespace {

struct Block {
  const char* range;
  Scope scope;
};

// The first that fits wins, so single addresses stand before the range they lie in. The documentation and
// benchmark ranges are left out: some proxies put real destinations there, and nothing is to be protected.
constexpr Block blocks[] = {
    {"169.254.0.0/16", Scope::link_local},  // with the 169.254.169.254 of most clouds
    {"100.100.100.200/32", Scope::metadata}, {"192.0.0.192/32", Scope::metadata},
    {"168.63.129.16/32", Scope::metadata},   {"fd00:ec2::/32", Scope::metadata},
    {"fd20:ce::254/128", Scope::metadata},   {"0.0.0.0/8", Scope::unspecified},
    {"127.0.0.0/8", Scope::loopback},        {"10.0.0.0/8", Scope::private_range},
    {"172.16.0.0/12", Scope::private_range}, {"192.168.0.0/16", Scope::private_range},
    {"192.0.0.0/24", Scope::private_range},  {"100.64.0.0/10", Scope::cgnat},
    {"224.0.0.0/4", Scope::multicast},       {"240.0.0.0/4", Scope::reserved},
    {"::/128", Scope::unspecified},          {"::1/128", Scope::loopback},
    {"fe80::/10", Scope::link_local},        {"fc00::/7", Scope::private_range},
    {"fec0::/10", Scope::private_range},     {"64:ff9b:1::/48", Scope::private_range},
    {"ff00::/8", Scope::multicast},
};

struct ScopedRange {
  Cidr range;
  Scope scope;
};

const std::vector<ScopedRange>& scoped_ranges() {
  static const auto ranges = [] {
    std::vector<ScopedRange> parsed;
    for (const auto& block : blocks) parsed.push_back({*Cidr::parse(block.range), block.scope});
    return parsed;
  }();
  return ranges;
}

bool begins_with(std::span<const std::uint8_t> bytes, std::initializer_list<std::uint8_t> prefix) {
  return std::ranges::equal(bytes.first(prefix.size()), prefix);
}

}  // namespace

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::global: return "global";
    case Scope::unspecified: return "unspecified";
    case Scope::loopback: return "loopback";
    case Scope::private_range: return "private";
    case Scope::cgnat: return "carrier-grade NAT";
    case Scope::link_local: return "link-local";
    case Scope::metadata: return "cloud metadata";
    case Scope::multicast: return "multicast";
    case Scope::reserved: return "reserved";
  }
  return "unknown";
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  Bytes bytes = {};
  const auto number = ::htonl(host_order);
  std::memcpy(bytes.data(), &number, sizeof number);
  return IpAddress(false, bytes);
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  Bytes copy = {};
  std::ranges::copy(bytes, copy.begin());
  return IpAddress(bytes.size() == 16, copy);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
  const std::string terminated(text);
  Bytes bytes = {};
  // inet_pton takes none of the short and octal forms that inet_aton does.
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return IpAddress(false, bytes);
  bytes = {};
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return IpAddress(true, bytes);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr_storage& storage) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&storage);
  if (storage.ss_family == AF_INET) return from_bytes({raw + offsetof(sockaddr_in, sin_addr), 4});
  if (storage.ss_family == AF_INET6) return from_bytes({raw + offsetof(sockaddr_in6, sin6_addr), 16});
  return std::nullopt;
}

std::uint32_t IpAddress::v4_number() const {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes_.data(), sizeof number);
  return ::ntohl(number);
}

IpAddress IpAddress::canonical() const {
  if (!is_v6_) return *this;
  const std::span<const std::uint8_t> all(bytes_);
  const auto inner = [&](std::size_t offset) { return *from_bytes(all.subspan(offset, 4)); };
  if (begins_with(all, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return inner(12);
  if (begins_with(all, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0})) return inner(12);
  if (begins_with(all, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return inner(12);
  if (begins_with(all, {0x20, 0x02})) return inner(2);
  const bool is_compatible = begins_with(all, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  // :: and ::1 are addresses of their own.
  if (is_compatible && inner(12).v4_number() > 1) return inner(12);
  return *this;
}

// Of Teredo (RFC 4380) the client, whose bits are turned round; of ISATAP (RFC 5214) the node.
std::optional<IpAddress> IpAddress::tunnel_end() const {
  if (!is_v6_) return std::nullopt;
  const std::span<const std::uint8_t> all(bytes_);
  const auto last = from_bytes(all.last(4));
  if (begins_with(all, {0x20, 0x01, 0, 0})) return v4(~last->v4_number());
  const auto interface = all.last(8);
  // The second bit says whether the v4 address is unique in the world.
  const bool is_isatap = (interface[0] & 0xfd) == 0 && begins_with(interface.subspan(1), {0, 0x5e, 0xfe});
  return is_isatap ? last : std::nullopt;
}

Scope IpAddress::scope() const {
  const auto address = canonical();
  for (const auto& [range, scope] : scoped_ranges()) {
    if (range.contains(address)) return scope;
  }
  const auto end = address.tunnel_end();
  return end ? end->scope() : Scope::global;
}

std::string IpAddress::str() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

socklen_t IpAddress::to_sockaddr(std::uint16_t port, sockaddr_storage& out) const {
  out = {};
  if (!is_v6_) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = ::htons(port);
    std::memcpy(&v4.sin_addr, bytes_.data(), 4);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = ::htons(port);
  std::memcpy(&v6.sin6_addr, bytes_.data(), 16);
  return sizeof v6;
}

std::uint16_t port_of(const sockaddr_storage& storage) {
  // At the same place in both families.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  return ::ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

Cidr::Cidr(const IpAddress& address, int prefix) : prefix_(prefix) {
  std::array<std::uint8_t, 16> bytes = {};
  const auto given = address.bytes();
  for (int i = 0; i < address.bits(); ++i) {
    const auto at = static_cast<std::size_t>(i / 8);
    const auto bit = static_cast<std::uint8_t>(0x80u >> (i % 8));
    if (i < prefix) bytes[at] = static_cast<std::uint8_t>(bytes[at] | (given[at] & bit));
  }
  first_ = *IpAddress::from_bytes(std::span(bytes).first(given.size()));
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == text.npos) return Cidr(*address);
  const auto digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != digits.npos)
    return std::nullopt;
  int prefix = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (prefix > address->bits()) return std::nullopt;
  return Cidr(*address, prefix);
}

IpAddress Cidr::last() const {
  std::array<std::uint8_t, 16> bytes = {};
  const auto first = first_.bytes();
  std::ranges::copy(first, bytes.begin());
  for (int i = prefix_; i < first_.bits(); ++i) {
    const auto at = static_cast<std::size_t>(i / 8);
    bytes[at] = static_cast<std::uint8_t>(bytes[at] | (0x80u >> (i % 8)));
  }
  return *IpAddress::from_bytes(std::span(bytes).first(first.size()));
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v6() != first_.is_v6()) return false;
  const auto a = address.bytes();
  const auto b = first_.bytes();
  const auto whole = static_cast<std::size_t>(prefix_ / 8);
  if (!std::ranges::equal(a.first(whole), b.first(whole))) return false;
  if (prefix_ % 8 == 0) return true;
  const auto shift = 8 - prefix_ % 8;
  return (a[whole] >> shift) == (b[whole] >> shift);
}

std::string Cidr::str() const {
  if (prefix_ == first_.bits()) return first_.str();
  return concat(first_.str(), '/', prefix_);
}

}  // namespace boxlite::netpolicy
