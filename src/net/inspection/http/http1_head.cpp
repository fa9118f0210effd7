// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http1_head.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace boxlite::net {
namespace {

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

// As somebody's isspace() has it.
bool is_blank(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= '\t' && byte <= '\r') || (byte >= 0x1c && byte <= ' ') || byte == 0x85 || byte == 0xa0;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return !std::ranges::search(text, part, {}, lower, lower).empty();
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

// `line` without its line feed.
Result<RequestHead> parse_request_line(std::string_view line) {
  if (!line.ends_with('\r')) return malformed("a malformed request line");
  line.remove_suffix(1);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == last) return malformed("a malformed request line");
  RequestHead head;
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  head.minor_version = BOXLITE_TRY(parse_version(line.substr(last + 1)));
  if (!is_token(head.method) || head.target.empty() || !std::ranges::all_of(head.target, is_visible)) {
    return malformed("a malformed request line");
  }
  return head;
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

// Blanks before and within the first line are what Python's server skips; a line without version is HTTP/0.9,
// whose only method is GET.
bool may_be_http(std::string_view bytes) {
  bytes.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(bytes, is_blank) - bytes.begin()));
  const auto method =
      bytes.substr(0, static_cast<std::size_t>(std::ranges::find_if(bytes, is_blank) - bytes.begin()));
  if (!std::ranges::all_of(method, is_token_character)) return false;
  const auto line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return true;
  return contains_ignoring_case(bytes.substr(0, line_end), "http/") || equals_ignoring_case(method, "get");
}

std::size_t count_line_ends(std::string_view bytes) {
  return std::min(bytes.find_first_not_of("\r\n"), bytes.size());
}

Result<std::optional<RequestHead>> parse_request_head(std::string_view bytes) {
  if (bytes.starts_with(http2_preface.substr(0, 16))) {
    return fail(ErrorCode::unsupported, "HTTP head: HTTP/2 without TLS");
  }
  if (!may_be_http(bytes)) return malformed("not a request");
  const auto line_end = bytes.substr(0, max_http_head).find('\n');
  if (line_end == std::string_view::npos && bytes.size() < max_http_head) return std::optional<RequestHead>();
  if (line_end == std::string_view::npos) return malformed("too long");
  // Who sends no more than a line of HTTP/0.9 shall not have us wait.
  auto head = BOXLITE_TRY(parse_request_line(bytes.substr(0, line_end)));
  const auto end = BOXLITE_TRY(find_end(bytes));
  if (!end) return std::optional<RequestHead>();
  head.size = *end;
  head.fields = BOXLITE_TRY(parse_fields(bytes.substr(line_end + 1, *end - line_end - 1)));
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

namespace {

// The authority of an absolute target, with the port that its scheme implies; nothing for the other forms.
Result<std::optional<Authority>> authority_of_target(const RequestHead& head) {
  const std::string_view target = head.target;
  if (target.starts_with('/') || (target == "*" && head.method == "OPTIONS"))
    return std::optional<Authority>();
  for (const auto& [scheme, port] : {std::pair("http://", 80), std::pair("https://", 443)}) {
    const auto beginning = target.substr(0, std::string_view(scheme).size());
    if (!equals_ignoring_case(beginning, scheme)) continue;
    const auto rest = target.substr(beginning.size());
    auto authority = BOXLITE_TRY(parse_authority(rest.substr(0, rest.find_first_of("/?#"))));
    if (!authority.port) authority.port = port;
    return std::optional(std::move(authority));
  }
  return malformed("a malformed target");
}

}  // namespace

Result<Authority> authority_of(const RequestHead& head) {
  const auto hosts = head.fields.count("host");
  if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) return malformed("not exactly one Host");
  if (head.method == "CONNECT") return malformed("CONNECT is for proxies");
  auto target = BOXLITE_TRY(authority_of_target(head));
  if (hosts == 0) return target ? Result<Authority>(*std::move(target)) : malformed("no Host");
  auto host = BOXLITE_TRY(parse_authority(*head.fields.find("host")));
  // RFC 9112 3.2.2: the target wins; where both are sent and differ, servers differ in what they do.
  if (target && (host.host != target->host || host.port.value_or(*target->port) != *target->port)) {
    return malformed("a Host that is not the target's");
  }
  return target ? *std::move(target) : std::move(host);
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
