// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "logs/log_format.h"

namespace boxlite::logs {

struct LogLimits {
  std::uint64_t file_bytes = 10u << 20;
  std::size_t files = 3;  // with the one that is written
};

// Appends to container.log. It never waits for anything but the file system, and never fails: what cannot be
// written (full disk) is counted, and a gap is recorded once there is room again. At most one writer at a
// time; one thread.
class LogWriter {
 public:
  // Goes on behind the last whole record of an earlier writer, which may have been killed in the middle of
  // one.
  LogWriter(std::filesystem::path path, const LogLimits& limits);

  void append(RecordKind kind, std::string_view bytes, Timestamp time);
  // So many bytes went by.
  void lose(std::uint64_t count) { lost_ += count; }
  // Not yet told by a gap.
  std::uint64_t lost() const { return lost_; }

 private:
  void open_current();
  Result<void> begin_file(std::uint64_t generation);
  void rotate();
  bool write_record(RecordKind kind, std::string_view bytes, Timestamp time);

  std::filesystem::path path_;
  LogLimits limits_;
  UniqueFd file_;
  std::uint64_t generation_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace boxlite::logs
