// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::shim {

// What the guest writes to its console: a file that never grows beyond its limit (then it becomes FILE.1 and
// a new one begins), and the last lines in memory, for error messages. One thread.
class ConsoleLog {
 public:
  // Begins a new file; the one of the last run is gone, as is its FILE.1.
  static Result<ConsoleLog> create(std::filesystem::path path, std::size_t limit);

  // A log that cannot be written (disk full) does not stop the machine: its bytes are lost, the last lines
  // are kept.
  void append(std::string_view bytes);
  // Another machine begins: what the last one said is not its.
  void begin_machine() { last_.clear(); }
  // The last lines, of this machine, at most 20, with everything but printable text taken out.
  std::string tail() const;
  // Why the guest's kernel panicked, as it said itself, safe to print; empty when it did not. The traces
  // after it may be longer than the tail.
  std::string panic() const;

 private:
  ConsoleLog(std::filesystem::path path, std::size_t limit, UniqueFd file)
      : path_(std::move(path)), limit_(limit), file_(std::move(file)) {}
  void rotate();

  std::filesystem::path path_;
  std::size_t limit_;
  UniqueFd file_;
  std::size_t size_ = 0;
  std::string last_;
};

}  // namespace boxlite::shim
