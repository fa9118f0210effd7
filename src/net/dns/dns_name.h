// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxlite::net {

// A name as DNS sends it: labels of any bytes, each behind its length, then a zero. An immutable value.
class DnsName {
 public:
  DnsName() : wire_(1, '\0') {}  // the root
  // Of a host name; nullopt for anything else (net/rule.h).
  static std::optional<DnsName> from_host_name(std::string_view text);
  // Takes a well-formed, uncompressed name.
  static DnsName from_wire(std::string wire) { return DnsName(std::move(wire)); }

  const std::string& wire() const { return wire_; }
  // Normal (net/rule.h): lower-case, dots between the labels, none at the end. Bytes that no host name has
  // are escaped, so that no odd name passes for a host's.
  std::string text() const;

 private:
  explicit DnsName(std::string wire) : wire_(std::move(wire)) {}
  std::string wire_;
};

}  // namespace boxlite::net
