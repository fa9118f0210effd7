// SPDX-License-Identifier: Apache-2.0
// How a command of this program comes to its end.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include <boxlite/error.hpp>

namespace boxlite::cli {

// Everything else is the code of the command that ran in the box, or 128 + its signal.
inline constexpr int exit_success = 0;
inline constexpr int exit_not_usable = 1;  // `doctor`: boxes cannot run here
inline constexpr int exit_usage = 2;
inline constexpr int exit_failure = 125;  // BoxLite itself failed
inline constexpr int exit_not_executable = 126;
inline constexpr int exit_not_found = 127;

// The program stops here: with exit code 0 the message is the answer (help, version), else the complaint.
struct Ending {
  Ending(int code, std::string text, std::string advice = {})
      : exit_code(code), message(std::move(text)), remedy(std::move(advice)) {}
  // Implicit, so that `return std::unexpected(result.error())` says it all.
  Ending(const Error& error) : Ending(exit_failure, error.message(), error.remedy()) {}

  int exit_code;
  std::string message;
  std::string remedy;
};

// What a command returns: the exit code, or why it could not do its work.
using Outcome = std::expected<int, Ending>;

template <typename T>
using Parsed = std::expected<T, Ending>;

inline std::unexpected<Ending> usage_error(std::string message, std::string remedy = {}) {
  return std::unexpected(Ending(exit_usage, std::move(message), std::move(remedy)));
}

}  // namespace boxlite::cli
