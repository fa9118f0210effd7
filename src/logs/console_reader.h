// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace boxlite::logs {

// Reads the console of a machine (console.log.1, then console.log), also while it is written. Control
// characters other than newline and tab are left out: what a guest writes must not reach a terminal. One
// thread.
class ConsoleReader {
 public:
  explicit ConsoleReader(std::filesystem::path path) : path_(std::move(path)) {}

  // Some of it; nullopt: nothing more at the moment.
  std::optional<std::string> next();

 private:
  bool open_next();

  std::filesystem::path path_;
  UniqueFd file_;
  std::uint64_t offset_ = 0;
  bool has_begun_ = false;
};

}  // namespace boxlite::logs
