// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::net {

// The message itself; what carries it may be cut into records and segments of any size.
inline constexpr std::size_t max_client_hello = 16u << 10;

// The first message of a TLS client, as far as it says where the client wants to go.
struct ClientHello {
  std::string server_name = {};             // lower-case, without a final dot; empty: none was sent
  std::vector<std::string> protocols = {};  // ALPN, in the client's order
  // There is an encrypted hello inside, or noise that looks like one: the server may go by another name.
  bool has_encrypted_hello = false;
};

// False once no server would take `bytes` for the beginning of a TLS connection; true for none at all. What
// parse_client_hello() takes is less.
bool may_be_tls(std::string_view bytes);

// From the first bytes of a connection; nothing: more are needed. corrupted when they are no ClientHello, or
// a larger one than max_client_hello.
Result<std::optional<ClientHello>> parse_client_hello(std::string_view bytes);

}  // namespace boxlite::net
