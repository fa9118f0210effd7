// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "net/inspection/http/authority.h"
#include "net/inspection/http/substitution.h"

namespace boxlite::net {

// How long the end of what has come of an answer waits for more, in case that a masked value begins there.
inline constexpr std::chrono::milliseconds longest_hold{10};
// The same where the server was stopped by a guest that did not read: it is told to go on, and that takes its
// time. Else the guest could choose where a value is cut in two, and would get both halves.
inline constexpr std::chrono::seconds longest_interruption{1};

// What holds for the requests of one connection.
struct ExchangeRules {
  // Why a request for this host may not pass here; nothing: it may. Each request is judged, since a
  // connection carries many and a server may serve many hosts.
  std::function<std::optional<std::string>(const Authority& authority)> refusal;
  // A request that cannot be read in one way only was refused.
  std::function<void(std::string_view why)> on_malformed;
  // Not null: of the host at the other end.
  const Substitution* substitution = nullptr;
};

// What the guest gets instead of an answer. It names us, so that nobody looks for the fault at the server.
struct RefusalAnswer {
  int status = 0;
  std::string_view reason = {};
  std::string text = {};
};
inline RefusalAnswer misdirected(std::string_view why) {
  return {421, "Misdirected Request", std::string(why)};
}
inline RefusalAnswer bad_request(std::string_view why) {
  return {400, "Bad Request", std::string(why)};
}
inline std::string answer_body(const RefusalAnswer& answer) {
  return "boxlite: " + answer.text + "\n";
}

}  // namespace boxlite::net
