// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxlite::test {

// All that a TCP server on the host's 127.0.0.1 says until it ends the connection, at most for five seconds;
// nullopt when nobody listens.
std::optional<std::string> tcp_talk(std::uint16_t port, std::string_view first = {});

}  // namespace boxlite::test
