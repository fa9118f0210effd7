// SPDX-License-Identifier: Apache-2.0
// Messages of DNS (RFC 1035, 6891, 8914), as values. Nothing here trusts a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/dns/dns_name.h"
#include "netpolicy/address.h"

namespace boxlite::net {

namespace dns_type {
inline constexpr std::uint16_t a = 1;
inline constexpr std::uint16_t cname = 5;
inline constexpr std::uint16_t soa = 6;
inline constexpr std::uint16_t aaaa = 28;
inline constexpr std::uint16_t opt = 41;
inline constexpr std::uint16_t svcb = 64;
inline constexpr std::uint16_t https = 65;
inline constexpr std::uint16_t first_meta = 249;  // TKEY, TSIG, IXFR, AXFR, …, ANY
inline constexpr std::uint16_t last_meta = 255;
}  // namespace dns_type

namespace dns_rcode {
inline constexpr std::uint16_t no_error = 0;
inline constexpr std::uint16_t format_error = 1;
inline constexpr std::uint16_t server_failure = 2;
inline constexpr std::uint16_t no_such_name = 3;
inline constexpr std::uint16_t not_implemented = 4;
inline constexpr std::uint16_t refused = 5;
}  // namespace dns_rcode

inline constexpr std::uint16_t dns_class_in = 1;
inline constexpr std::size_t longest_dns_message = 65535;

struct DnsQuestion {
  DnsName name = {};
  std::uint16_t type = dns_type::a;
  std::uint16_t klass = dns_class_in;

  // Whether it asks for the same: letters may differ in case.
  bool is_like(const DnsQuestion& other) const;
};

struct DnsRecord {
  DnsName owner = {};
  std::uint16_t type = 0;
  std::uint16_t klass = dns_class_in;
  std::uint32_t ttl = 0;
  std::string content = {};  // names in it are not compressed

  // Of an A or AAAA record.
  std::optional<netpolicy::IpAddress> address() const;
};
DnsRecord address_record(const DnsName& owner, const netpolicy::IpAddress& address, std::uint32_t ttl);

// Why, for people who look with dig (RFC 8914).
struct ExtendedDnsError {
  std::uint16_t code = 0;
  std::string text = {};
};

struct DnsMessage {
  std::uint16_t id = 0;
  bool is_response = false;
  std::uint8_t opcode = 0;
  bool is_truncated = false;
  bool wants_recursion = true;
  std::uint16_t rcode = 0;  // with the upper bits of EDNS
  std::vector<DnsQuestion> questions = {};
  std::vector<DnsRecord> answers = {};
  std::vector<DnsRecord> authority = {};
  // What EDNS says; the rest of the additional section is not kept.
  std::optional<std::uint16_t> edns_size = {};
  std::optional<ExtendedDnsError> error = {};  // written only with EDNS, never read
};

// Over TCP the length of a message goes before it (RFC 1035, 4.2.2). dns_length_in: of at least
// dns_length_size bytes.
inline constexpr std::size_t dns_length_size = 2;
std::size_t dns_length_in(std::string_view bytes);

// corrupted unless every byte is as it must be.
Result<DnsMessage> parse_dns_message(std::string_view bytes);

// What can be read of a message whatever follows; nullopt: not even a header.
struct DnsHeader {
  std::uint16_t id = 0;
  bool is_response = false;
  std::uint8_t opcode = 0;
  bool wants_recursion = false;
};
std::optional<DnsHeader> parse_dns_header(std::string_view bytes);

// Longer than `limit`: without its records and marked as truncated. Questions and records are ours or parsed:
// whatever they hold fits its field.
std::string encode(const DnsMessage& message, std::size_t limit = longest_dns_message);

}  // namespace boxlite::net
