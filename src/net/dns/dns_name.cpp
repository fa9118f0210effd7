// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_name.h"

#include "base/concat.h"
#include "netpolicy/rule.h"

namespace boxlite::net {

std::optional<DnsName> DnsName::from_host_name(std::string_view text) {
  if (!netpolicy::is_host_name(text)) return std::nullopt;
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string wire;
  while (true) {
    const auto label = text.substr(0, text.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    if (label.size() == text.size()) break;
    text.remove_prefix(label.size() + 1);
  }
  wire += '\0';
  return DnsName(std::move(wire));
}

std::string DnsName::text() const {
  std::string text;
  std::string_view rest = wire_;
  while (const auto length = static_cast<std::uint8_t>(rest.front())) {
    if (!text.empty()) text += '.';
    for (const char c : rest.substr(1, length)) {
      const bool is_plain = c > ' ' && c < 127 && c != '.' && c != '\\';
      text += is_plain ? std::string(1, c) : concat('\\', static_cast<std::uint8_t>(c));
    }
    rest.remove_prefix(length + 1u);
  }
  return netpolicy::normal_name(text);
}

}  // namespace boxlite::net
