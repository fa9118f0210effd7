// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http1_head.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace boxlite::net {
namespace {

constexpr std::size_t max_method = 32;
constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::corrupted, concat("HTTP head: ", what));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_character);
}

bool is_visible(char c) {
  return c > ' ' && c != 0x7f;
}

// Bytes above ASCII are opaque in values; in a target they do not belong.
bool is_value_character(char c) {
  return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The length of the head with its empty line.
Result<std::optional<std::size_t>> find_end(std::string_view bytes) {
  const auto end = bytes.substr(0, max_http_head).find("\r\n\r\n");
  if (end != std::string_view::npos) return std::optional(end + 4);
  if (bytes.size() >= max_http_head) return malformed("too long");
  return std::optional<std::size_t>();
}

// Takes one line with its end; the caller knows that there is one.
std::string_view take_head_line(std::string_view& text) {
  const auto end = text.find("\r\n");
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

Result<HttpFields> parse_fields(std::string_view text) {
  HttpFields fields;
  for (auto line = take_head_line(text); !line.empty(); line = take_head_line(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return malformed("a malformed field");
    const auto value = trimmed(line.substr(colon + 1));
    if (!std::ranges::all_of(value, is_value_character)) return malformed("a control character in a field");
    if (fields.items().size() == max_http_fields) return malformed("too many fields");
    fields.items().push_back({std::string(line.substr(0, colon)), std::string(value)});
  }
  return fields;
}

Result<int> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  return malformed("not a version of HTTP/1");
}

std::string write_fields(std::string head, const HttpFields& fields) {
  for (const auto& field : fields.items()) head += concat(field.name, ": ", field.value, "\r\n");
  return head += "\r\n";
}

// Calls with each of the comma-separated words until it says true.
template <typename Predicate>
bool any_word(std::string_view list, Predicate predicate) {
  while (true) {
    const auto comma = list.find(',');
    if (predicate(trimmed(list.substr(0, comma)))) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

Result<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || length > INT64_MAX) {
    return malformed("a malformed Content-Length");
  }
  return length;
}

// What the fields alone say; nothing when they do not.
Result<std::optional<BodyFraming>> framing_of(const HttpFields& fields) {
  const auto lengths = fields.count("content-length");
  if (const auto codings = fields.count("transfer-encoding"); codings != 0) {
    // Other codings than chunked are all but extinct, and a length beside them is how requests are smuggled.
    if (codings != 1 || lengths != 0 || !equals_ignoring_case(*fields.find("transfer-encoding"), "chunked")) {
      return malformed("a Transfer-Encoding other than chunked alone");
    }
    return std::optional(BodyFraming{BodyFraming::Kind::chunked, 0});
  }
  if (lengths == 0) return std::optional<BodyFraming>();
  if (lengths > 1) return malformed("more than one Content-Length");
  const auto length = BOXLITE_TRY(parse_length(*fields.find("content-length")));
  if (length == 0) return std::optional(BodyFraming{});
  return std::optional(BodyFraming{BodyFraming::Kind::length, length});
}

}  // namespace

bool equals_ignoring_case(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

std::optional<std::string_view> HttpFields::find(std::string_view name) const {
  for (const auto& field : items_) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t HttpFields::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      items_, [&](const auto& field) { return equals_ignoring_case(field.name, name); }));
}

void HttpFields::remove(std::string_view name) {
  std::erase_if(items_, [&](const auto& field) { return equals_ignoring_case(field.name, name); });
}

bool HttpFields::has_word(std::string_view name, std::string_view word) const {
  return std::ranges::any_of(items_, [&](const auto& field) {
    return equals_ignoring_case(field.name, name) &&
           any_word(field.value, [&](std::string_view found) { return equals_ignoring_case(found, word); });
  });
}

std::string RequestHead::str() const {
  return write_fields(concat(method, " ", target, " HTTP/1.", minor_version, "\r\n"), fields);
}

std::string ResponseHead::str() const {
  return write_fields(concat("HTTP/1.", minor_version, " ", status, " ", reason, "\r\n"), fields);
}

bool may_be_http(std::string_view bytes) {
  const auto method = bytes.substr(0, bytes.find(' '));
  if (!std::ranges::all_of(method, is_token_character) || method.size() > max_method) return false;
  if (method.size() == bytes.size()) return true;
  if (method.empty()) return false;
  const auto line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return true;
  return bytes.substr(0, line_end).find(" HTTP/") != std::string_view::npos;
}

Result<std::optional<RequestHead>> parse_request_head(std::string_view bytes) {
  if (bytes.starts_with(http2_preface.substr(0, 16))) {
    return fail(ErrorCode::unsupported, "HTTP head: HTTP/2 without TLS");
  }
  if (!may_be_http(bytes)) return malformed("not a request");
  const auto end = BOXLITE_TRY(find_end(bytes));
  if (!end) return std::optional<RequestHead>();
  auto rest = bytes.substr(0, *end);
  auto line = take_head_line(rest);
  RequestHead head;
  head.size = *end;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == last) return malformed("a malformed request line");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  head.minor_version = BOXLITE_TRY(parse_version(line.substr(last + 1)));
  if (!is_token(head.method) || head.target.empty() || !std::ranges::all_of(head.target, is_visible)) {
    return malformed("a malformed request line");
  }
  head.fields = BOXLITE_TRY(parse_fields(rest));
  return std::optional(std::move(head));
}

Result<std::optional<ResponseHead>> parse_response_head(std::string_view bytes) {
  const auto known = bytes.substr(0, 7);
  if (known != std::string_view("HTTP/1.").substr(0, known.size())) return malformed("not a response");
  const auto end = BOXLITE_TRY(find_end(bytes));
  if (!end) return std::optional<ResponseHead>();
  auto rest = bytes.substr(0, *end);
  const auto line = take_head_line(rest);
  ResponseHead head;
  head.size = *end;
  head.minor_version = BOXLITE_TRY(parse_version(line.substr(0, 8)));
  const auto digits = line.size() >= 12 ? line.substr(9, 3) : std::string_view();
  if (digits.empty() || line[8] != ' ' || (line.size() > 12 && line[12] != ' ') ||
      std::from_chars(digits.data(), digits.data() + 3, head.status).ptr != digits.data() + 3 ||
      head.status < 100) {
    return malformed("a malformed status line");
  }
  if (line.size() > 13) head.reason = line.substr(13);
  if (!std::ranges::all_of(head.reason, is_value_character)) return malformed("a malformed status line");
  head.fields = BOXLITE_TRY(parse_fields(rest));
  return std::optional(std::move(head));
}

Result<std::string> host_of_authority(std::string_view authority) {
  auto host = authority;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return malformed("a malformed host");
    const auto port = host.substr(end + 1);
    if (!port.empty() && port.front() != ':') return malformed("a malformed host");
    host = host.substr(1, end - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto is_part_of_name = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':';
  };
  if (host.empty() || host.size() > 255 || !std::ranges::all_of(host, is_part_of_name)) {
    return malformed("a malformed host");
  }
  std::string name(host);
  std::ranges::transform(name, name.begin(), lower);
  return name;
}

Result<std::string> host_of(const RequestHead& head) {
  const auto hosts = head.fields.count("host");
  if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) return malformed("not exactly one Host");
  if (head.method == "CONNECT") return malformed("CONNECT is for proxies");
  const auto scheme_end = head.target.find("://");
  if (!head.target.starts_with('/') && scheme_end != std::string_view::npos) {
    const auto authority = std::string_view(head.target).substr(scheme_end + 3);
    auto name = BOXLITE_TRY(host_of_authority(authority.substr(0, authority.find_first_of("/?#"))));
    // RFC 9112 3.2.2: the target wins; where both are sent and differ, servers differ in what they do.
    if (hosts == 1 && BOXLITE_TRY(host_of_authority(*head.fields.find("host"))) != name) {
      return malformed("a Host that is not the target's");
    }
    return name;
  }
  if (hosts == 0) return malformed("no Host");
  return host_of_authority(*head.fields.find("host"));
}

Result<BodyFraming> body_framing(const RequestHead& head) {
  const auto framing = BOXLITE_TRY(framing_of(head.fields));
  if (framing && framing->kind == BodyFraming::Kind::chunked && head.minor_version == 0) {
    return malformed("chunked in HTTP/1.0");
  }
  return framing.value_or(BodyFraming{});
}

Result<BodyFraming> body_framing(const ResponseHead& head, std::string_view method) {
  const auto framing = BOXLITE_TRY(framing_of(head.fields));
  if (method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304) return BodyFraming{};
  return framing.value_or(BodyFraming{BodyFraming::Kind::until_close, 0});
}

}  // namespace boxlite::net
