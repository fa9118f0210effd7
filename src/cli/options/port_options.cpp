// SPDX-License-Identifier: Apache-2.0
#include "cli/options/port_options.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

struct Range {
  unsigned first = 0;
  unsigned last = 0;
  unsigned size() const { return last - first + 1; }
};

std::optional<Range> parse_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{*first, *last};
}

Ending wrong(std::string_view text, std::string_view why) {
  return {exit_usage, fmt::format("-p \"{}\": {}", text, why),
          "write [ADDRESS:][HOST_PORT:]BOX_PORT[/tcp|udp], as in 8080:80 or 127.0.0.1:0:53/udp"};
}

// The last part of what is left, cut off at its colon.
std::string_view take_last(std::string_view& rest) {
  const auto colon = rest.rfind(':');
  const auto part = colon == std::string_view::npos ? rest : rest.substr(colon + 1);
  rest = colon == std::string_view::npos ? std::string_view() : rest.substr(0, colon);
  return part;
}

// "80/udp" as "80", and the protocol.
std::optional<PortProtocol> take_protocol(std::string_view& rest) {
  const auto slash = rest.rfind('/');
  if (slash == std::string_view::npos) return PortProtocol::tcp;
  const auto protocol = model::parse<PortProtocol>(rest.substr(slash + 1));
  rest = rest.substr(0, slash);
  return protocol ? std::optional(*protocol) : std::nullopt;
}

}  // namespace

std::string_view without_brackets(std::string_view address) {
  if (address.starts_with('[') && address.ends_with(']')) return address.substr(1, address.size() - 2);
  return address;
}

Parsed<std::vector<ExposedPort>> parse_expose(std::string_view text) {
  auto rest = text;
  const auto protocol = take_protocol(rest);
  const auto range = parse_range(rest);
  if (!protocol || !range || range->first == 0)
    return usage_error(fmt::format("--expose \"{}\": it is no port", text), "write PORT[-PORT][/tcp|udp]");
  std::vector<ExposedPort> ports;
  for (unsigned port = range->first; port <= range->last; ++port)
    ports.push_back({.port = static_cast<std::uint16_t>(port), .protocol = *protocol});
  return ports;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Parsed<std::vector<PublishedPort>> parse_publish(std::string_view text) {
  PublishedPort pattern;
  auto rest = text;
  const auto protocol = take_protocol(rest);
  if (!protocol) return std::unexpected(wrong(text, "the protocol is neither tcp nor udp"));
  pattern.protocol = *protocol;
  const auto box = parse_range(take_last(rest));
  if (!box || box->first == 0) return std::unexpected(wrong(text, "the box's port is not 1 to 65535"));
  const bool has_host = !rest.empty();
  const auto host_text = take_last(rest);
  auto host = has_host && !host_text.empty() ? parse_range(host_text) : Range{0, 0};
  if (!host) return std::unexpected(wrong(text, "the host's port is not 0 to 65535"));
  const bool is_chosen = host->first == 0 && host->last == 0;
  if (!is_chosen && host->size() != box->size())
    return std::unexpected(wrong(text, "the two ranges are not of one length"));
  if (!rest.empty()) pattern.host_address = without_brackets(rest);
  std::vector<PublishedPort> ports;
  for (unsigned i = 0; i < box->size(); ++i) {
    auto& port = ports.emplace_back(pattern);
    port.box_port = static_cast<std::uint16_t>(box->first + i);
    port.host_port = static_cast<std::uint16_t>(is_chosen ? 0 : host->first + i);
  }
  return ports;
}

std::string port_text(const PublishedPort& port) {
  const bool is_v6 = port.host_address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}->{}/{}", is_v6 ? "[" : "", port.host_address, is_v6 ? "]" : "",
                     port.host_port, port.box_port, name(port.protocol));
}

}  // namespace boxlite::cli
