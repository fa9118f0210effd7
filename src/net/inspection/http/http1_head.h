// SPDX-License-Identifier: Apache-2.0
// The heads of HTTP/1 messages, read strictly: what two readers could understand in two ways (folded lines,
// blanks before a colon, two lengths) is refused, so that nothing is smuggled past us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/inspection/http/authority.h"

namespace boxlite::net {

inline constexpr std::size_t max_http_head = 64u << 10;
inline constexpr std::size_t max_http_fields = 256;

struct HttpField {
  std::string name = {};  // as it was written
  std::string value = {};
  bool is_sensitive = false;  // not to be remembered by what compresses heads

  bool operator==(const HttpField&) const = default;
};

// Names are compared without regard to case.
class HttpFields {
 public:
  std::vector<HttpField>& items() { return items_; }
  const std::vector<HttpField>& items() const { return items_; }

  // The first of them; nothing when there is none.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  void remove(std::string_view name);
  // Whether one of the comma-separated words of all fields of this name is `word`, in any case.
  bool has_word(std::string_view name, std::string_view word) const;

 private:
  std::vector<HttpField> items_;
};

struct RequestHead {
  std::string method = {};
  std::string target = {};
  int minor_version = 1;
  HttpFields fields = {};
  std::size_t size = 0;  // in bytes, as it was read

  std::string str() const;
};

struct ResponseHead {
  int status = 0;
  std::string reason = {};
  int minor_version = 1;
  HttpFields fields = {};
  std::size_t size = 0;

  std::string str() const;
};

// False once no server that is known, however lenient, would take `bytes` for the beginning of an HTTP/1
// request (nor for the preface of HTTP/2); true for none at all. What parse_request_head() takes is less.
bool may_be_http(std::string_view bytes);

// How many line ends stand before a request: servers skip them (RFC 9112 2.2).
std::size_t count_line_ends(std::string_view bytes);

// Nothing: more bytes are needed. corrupted when no head can come of them or it is larger than max_http_head.
Result<std::optional<RequestHead>> parse_request_head(std::string_view bytes);
Result<std::optional<ResponseHead>> parse_response_head(std::string_view bytes);

// Whom a request is for. corrupted unless its Host field and an absolute target name exactly one.
Result<Authority> authority_of(const RequestHead& head);

bool equals_ignoring_case(std::string_view one, std::string_view other);

// How the end of a body is known.
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;

  bool operator==(const BodyFraming&) const = default;
};

// RFC 9112 6.3. corrupted where it leaves a doubt.
Result<BodyFraming> body_framing(const RequestHead& head);
// `method`: of the request it answers.
Result<BodyFraming> body_framing(const ResponseHead& head, std::string_view method);

}  // namespace boxlite::net
