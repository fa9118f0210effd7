// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/rule.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace boxlite::netpolicy {
namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_rule = 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_label_char(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '_';
}

// Only numbers and dots end in such a label: an address that is none ("256.1.1.1", "10.1").
bool ends_in_number(std::string_view name) {
  const auto label = name.substr(name.rfind('.') + 1);
  return !label.empty() && std::ranges::all_of(label, is_digit);
}

bool is_suffix_of(std::string_view suffix, std::string_view name) {
  return name.size() > suffix.size() + 1 && name.ends_with(suffix) &&
         name[name.size() - suffix.size() - 1] == '.';
}

std::string_view canonical_name(std::string_view name) {
  return name == docker_alias_name ? host_alias_name : name;
}

}  // namespace

std::string normal_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string normal(name);
  std::ranges::transform(normal, normal.begin(), lower);
  return normal;
}

bool is_host_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > longest_name) return false;
  while (true) {
    const auto label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > longest_label || !std::ranges::all_of(label, is_label_char))
      return false;
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

// Goes through the text once, from the left.
class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}

  Result<Rule> parse() {
    rule_.text_ = text_;
    if (text_.size() > longest_rule) return mistake(longest_rule, text_.substr(0, 0), "it is too long");
    if (const auto scheme = text_.find("://"); scheme != text_.npos)
      return mistake(0, text_.substr(0, scheme + 3), "a rule names a host, not a URL");
    take_protocol();
    const auto host_end = find_host_end();
    const auto host = text_.substr(at_, host_end - at_);
    BOXLITE_TRY(take_host(host));
    at_ = host_end;
    if (at_ < text_.size()) BOXLITE_TRY(take_ports());
    return std::move(rule_);
  }

 private:
  std::unexpected<Error> mistake(std::size_t at, std::string_view piece, std::string_view why) const {
    return fail(ErrorCode::invalid_argument,
                concat("network rule ", in_quotes(text_.substr(0, 300)), ": at character ", at + 1, ", ",
                       in_quotes(piece.substr(0, 100)), ": ", why));
  }

  void take_protocol() {
    const auto begin = normal_name(text_.substr(0, 4));
    if (begin == "tcp:") rule_.protocol_ = Protocol::tcp;
    if (begin == "udp:") rule_.protocol_ = Protocol::udp;
    if (rule_.protocol_) at_ = 4;
  }

  std::size_t find_host_end() const {
    const auto rest = text_.substr(at_);
    if (rest.starts_with('[')) {
      const auto close = rest.find(']');
      return close == rest.npos ? text_.size() : at_ + close + 1;
    }
    // Two colons: a bare v6 address or range, which leaves no way to tell a port.
    const auto colon = rest.find(':');
    if (colon == rest.npos || rest.find(':', colon + 1) != rest.npos) return text_.size();
    return at_ + colon;
  }

  Result<void> take_host(std::string_view host) {
    if (host.empty()) return mistake(at_, host, "here a host is missing");
    if (host == "*") return {};
    if (host.starts_with('[')) {
      if (!host.ends_with(']')) return mistake(at_, host, "the bracket is not closed");
      return take_range(host.substr(1, host.size() - 2), at_ + 1, true);
    }
    if (host.find_first_of(":/") != host.npos || ends_in_number(host)) return take_range(host, at_, false);
    return take_name(host);
  }

  Result<void> take_range(std::string_view host, std::size_t at, bool must_be_v6) {
    const auto address = IpAddress::parse(host.substr(0, host.find('/')));
    if (!address) return mistake(at, host, "this is neither an address nor a range of addresses");
    if (must_be_v6 && !address->is_v6()) return mistake(at, host, "only IPv6 stands in brackets");
    const auto range = Cidr::parse(host);
    if (!range) {
      return mistake(at + host.find('/'), host.substr(host.find('/')),
                     concat("the prefix is not a number from 0 to ", address->bits()));
    }
    if (range->first() != *address) {
      return mistake(at, host, concat("there are bits behind the prefix; the range is ", range->str()));
    }
    return set_range(*range, host, at);
  }

  Result<void> set_range(const Cidr& range, std::string_view host, std::size_t at) {
    rule_.host_ = Rule::Host::range;
    rule_.range_ = range;
    const auto inner = range.first().canonical();
    if (inner.is_v6() == range.first().is_v6()) return {};
    // An IPv4 range in IPv6 dress is that IPv4 range: addresses are compared without it.
    constexpr int dress_bits = 96;
    if (range.prefix() < dress_bits || range.first().bytes()[0] == 0x20)
      return mistake(at, host, "name the IPv4 addresses themselves");
    rule_.range_ = Cidr(inner, range.prefix() - dress_bits);
    return {};
  }

  Result<void> take_name(std::string_view host) {
    const bool is_suffix = host.starts_with("*.");
    const auto name = host.substr(is_suffix ? 2 : 0);
    if (const auto star = name.find('*'); star != name.npos) {
      const auto at = at_ + (is_suffix ? 2 : 0) + star;
      return mistake(at, text_.substr(at, 1),
                     "a star stands alone, or at the beginning as in \"*.example.com\"");
    }
    if (!is_host_name(name)) {
      const auto odd = std::ranges::find_if_not(name, [](char c) { return is_label_char(c) || c == '.'; });
      const auto offset = odd == name.end() ? 0 : static_cast<std::size_t>(odd - name.begin());
      const auto at = at_ + (is_suffix ? 2 : 0) + offset;
      const auto why = odd == name.end() ? "this is not a host name"
                                         : "a host name is of ASCII letters, digits, '-', '_' and '.'";
      return mistake(at, name.substr(offset), why);
    }
    rule_.host_ = is_suffix ? Rule::Host::suffix : Rule::Host::name;
    const auto normal = normal_name(name);
    rule_.name_ = is_suffix ? normal : std::string(canonical_name(normal));
    return {};
  }

  Result<void> take_ports() {
    if (text_[at_] != ':') return mistake(at_, text_.substr(at_), "after the host comes ':' and ports");
    do {
      ++at_;
      const auto piece = text_.substr(at_, text_.find(',', at_) - at_);
      BOXLITE_TRY(take_port_range(piece));
      at_ += piece.size();
    } while (at_ < text_.size());
    return {};
  }

  Result<void> take_port_range(std::string_view piece) {
    const auto dash = piece.find('-');
    const auto first = port(piece.substr(0, dash));
    if (!first) return mistake(at_, piece.substr(0, dash), "this is not a port from 1 to 65535");
    auto last = first;
    if (dash != piece.npos) {
      last = port(piece.substr(dash + 1));
      if (!last) return mistake(at_ + dash + 1, piece.substr(dash + 1), "this is not a port from 1 to 65535");
    }
    if (*last < *first) return mistake(at_, piece, "the range ends before it begins");
    rule_.ports_.push_back({*first, *last});
    return {};
  }

  static std::optional<std::uint16_t> port(std::string_view digits) {
    std::uint16_t number = 0;
    if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
    const auto end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc() || stop != end || number == 0) return std::nullopt;
    return number;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Rule rule_;
};

Result<Rule> Rule::parse(std::string_view text) {
  return RuleParser(text).parse();
}

bool Rule::fits(Protocol protocol, std::uint16_t port) const {
  if (protocol_ && *protocol_ != protocol) return false;
  if (ports_.empty()) return true;
  if (protocol == Protocol::icmp) return false;
  return std::ranges::any_of(ports_,
                             [&](const auto& range) { return port >= range.first && port <= range.last; });
}

bool Rule::matches_name(std::string_view name) const {
  switch (host_) {
    case Host::any: return true;
    case Host::name: return canonical_name(name) == name_;
    case Host::suffix:
      if (canonical_name(name) == host_alias_name)
        return is_suffix_of(name_, host_alias_name) || is_suffix_of(name_, docker_alias_name);
      return is_suffix_of(name_, name);
    case Host::range: return false;
  }
  return false;
}

bool Rule::matches_address(const IpAddress& address) const {
  return host_ == Host::any || (range_ && range_->contains(address));
}

bool Rule::names_address(const IpAddress& address) const {
  if (!range_ || !range_->contains(address)) return false;
  const auto scope = address.scope();
  return range_->first().scope() == scope && range_->last().scope() == scope;
}

}  // namespace boxlite::netpolicy
