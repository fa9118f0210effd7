// SPDX-License-Identifier: Apache-2.0
// links: netpolicy linux base
// Rules of a network policy, as users write them and as a client sends them: what is taken means the same
// when it is read again, and what is refused says where in one short line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "netpolicy/rule.h"

using namespace boxlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto rule = netpolicy::Rule::parse(text);
  if (!rule) {
    const auto& message = rule.error().message();
    if (message.size() > 4096 || message.find('\n') != message.npos) std::abort();
    return 0;
  }
  if (rule->text() != text || !netpolicy::Rule::parse(rule->text())) std::abort();
  const bool has_name =
      rule->host() == netpolicy::Rule::Host::name || rule->host() == netpolicy::Rule::Host::suffix;
  if (has_name &&
      (!netpolicy::is_host_name(rule->name()) || netpolicy::normal_name(rule->name()) != rule->name()))
    std::abort();
  if (rule->host() == netpolicy::Rule::Host::range && !rule->matches_address(rule->range()->last()))
    std::abort();
  return 0;
}
