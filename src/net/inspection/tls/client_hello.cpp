// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/client_hello.h"

#include <algorithm>
#include <cstdint>

namespace boxlite::net {
namespace {

constexpr std::uint8_t handshake_record = 22;
constexpr std::uint8_t first_record_type = 20;
constexpr std::uint8_t last_record_type = 24;
constexpr std::uint8_t client_hello_message = 1;
constexpr std::size_t record_header_size = 5;
constexpr std::size_t message_header_size = 4;
constexpr std::size_t max_record = 1u << 14;
constexpr std::size_t max_server_name = 255;
// A client that sends its hello in records of a few bytes is no client.
constexpr std::size_t max_records = 1024;

constexpr std::uint16_t server_name_extension = 0;
constexpr std::uint16_t protocols_extension = 16;
constexpr std::uint16_t encrypted_hello_extension = 0xfe0d;

std::unexpected<Error> not_a_hello(std::string_view what) {
  std::string message = "TLS ClientHello: ";
  message += what;
  return fail(ErrorCode::corrupted, std::move(message));
}

// Takes fields off the front; what is not there leaves it failed and empty.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  bool is_empty() const { return rest_.empty(); }
  bool has_failed() const { return failed_; }
  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const char byte : bytes(width)) value = value << 8 | static_cast<std::uint8_t>(byte);
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  // A field that begins with its own length.
  std::string_view vector(std::size_t length_width) { return bytes(number(length_width)); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

Result<std::string> parse_server_name(std::string_view extension) {
  Fields list(Fields(extension).vector(2));
  const auto type = list.number(1);
  const auto sent = list.vector(2);
  // One name of the one type that exists; RFC 6066 forbids more.
  if (list.has_failed() || !list.is_empty() || type != 0) return not_a_hello("malformed server name");
  std::string name(sent);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > max_server_name || !std::ranges::all_of(name, is_name_character)) {
    return not_a_hello("a server name that is no host name");
  }
  return name;
}

Result<std::vector<std::string>> parse_protocols(std::string_view extension) {
  std::vector<std::string> protocols;
  Fields list(Fields(extension).vector(2));
  while (!list.is_empty()) {
    protocols.emplace_back(list.vector(1));
    if (list.has_failed() || protocols.back().empty()) return not_a_hello("malformed protocol list");
  }
  return protocols;
}

Result<void> read_extension(ClientHello& hello, std::size_t type, std::string_view extension) {
  switch (type) {
    case server_name_extension:
      if (!hello.server_name.empty()) return not_a_hello("two server names");
      hello.server_name = BOXLITE_TRY(parse_server_name(extension));
      break;
    case protocols_extension: hello.protocols = BOXLITE_TRY(parse_protocols(extension)); break;
    case encrypted_hello_extension: hello.has_encrypted_hello = true; break;
    default: break;
  }
  return {};
}

Result<ClientHello> parse_message(std::string_view body) {
  Fields fields(body);
  fields.bytes(2 + 32);  // version, random
  fields.vector(1);      // session id
  fields.vector(2);      // cipher suites
  fields.vector(1);      // compression methods
  if (fields.has_failed()) return not_a_hello("too short");
  ClientHello hello;
  if (fields.is_empty()) return hello;
  Fields extensions(fields.vector(2));
  if (fields.has_failed() || !fields.is_empty()) return not_a_hello("malformed extensions");
  while (!extensions.is_empty()) {
    const auto type = extensions.number(2);
    const auto extension = extensions.vector(2);
    if (extensions.has_failed()) return not_a_hello("malformed extensions");
    BOXLITE_TRY(read_extension(hello, type, extension));
  }
  return hello;
}

// Content type, then a version 3.x.
bool is_record_start(std::string_view bytes) {
  return (bytes.empty() || static_cast<std::uint8_t>(bytes[0]) == handshake_record) &&
         (bytes.size() < 2 || bytes[1] == 3) &&
         (bytes.size() < 3 || static_cast<std::uint8_t>(bytes[2]) <= 4);
}

// What the header of a message, which must be there, says of the rest.
std::size_t body_size(std::string_view message) {
  return Fields(message.substr(1)).number(3);
}

bool is_whole(std::string_view message) {
  return message.size() >= message_header_size && message.size() - message_header_size >= body_size(message);
}

// The handshake bytes of the records that are there so far.
Result<std::string> join_records(std::string_view bytes) {
  std::string message;
  for (std::size_t count = 0; !bytes.empty(); ++count) {
    if (!is_record_start(bytes)) return not_a_hello("not a handshake record");
    if (bytes.size() < record_header_size) break;
    const auto size = Fields(bytes.substr(3)).number(2);
    if (size == 0 || size > max_record || count == max_records) return not_a_hello("malformed record");
    const auto part = bytes.substr(record_header_size, size);
    message += part;
    bytes.remove_prefix(record_header_size + part.size());
    // What follows the hello (early data, for one) is none of our business.
    if (is_whole(message) || message.size() > message_header_size + max_client_hello) break;
  }
  return message;
}

}  // namespace

// Some servers take records of any version, and alerts before the hello; we do not, but must not miss that
// they are TLS.
bool may_be_tls(std::string_view bytes) {
  if (bytes.empty()) return true;
  const auto type = static_cast<std::uint8_t>(bytes[0]);
  if (type == handshake_record) return true;
  return type >= first_record_type && type <= last_record_type && (bytes.size() < 2 || bytes[1] == 3);
}

Result<std::optional<ClientHello>> parse_client_hello(std::string_view bytes) {
  const auto message = BOXLITE_TRY(join_records(bytes));
  if (!message.empty() && static_cast<std::uint8_t>(message[0]) != client_hello_message) {
    return not_a_hello("another message");
  }
  if (message.size() < message_header_size) return std::optional<ClientHello>();
  const auto size = body_size(message);
  if (size > max_client_hello) return not_a_hello("too long");
  if (!is_whole(message)) return std::optional<ClientHello>();
  return std::optional(
      BOXLITE_TRY(parse_message(std::string_view(message).substr(message_header_size, size))));
}

}  // namespace boxlite::net
