// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "logs/log_format.h"

namespace boxlite::logs {

struct Record {
  RecordKind kind = RecordKind::stdout_bytes;
  Timestamp time = {};
  std::string bytes = {};
  std::uint64_t lost = 0;  // of a gap; 0: nobody knows how many
};

// Reads container.log and what was rotated away from it, oldest first, also while it is written. The files
// may say anything: memory is bounded by one buffer, and what is no record is skipped as a gap. One thread.
class LogReader {
 public:
  explicit LogReader(std::filesystem::path path) : path_(std::move(path)) {}

  // nullopt: there is nothing more at the moment.
  std::optional<Record> next();

  // The file that is read, or null: for whoever wants to wait for more.
  const UniqueFd& file() const { return file_; }

 private:
  std::optional<Record> read_record();
  std::string_view buffered(std::size_t wanted);
  // Opens the file with the lowest generation above this one's. Returns that generation.
  std::optional<std::uint64_t> advance();
  std::optional<Record> not_yet();
  std::optional<Record> skip_rest();

  std::filesystem::path path_;
  UniqueFd file_;
  std::uint64_t generation_ = 0;
  std::uint64_t offset_ = 0;  // of the next record
  std::string buffer_;        // what was read ahead, from buffer_offset_ on
  std::uint64_t buffer_offset_ = 0;
  bool is_at_last_look_ = false;  // a newer file exists; this one is final
  bool is_damaged_ = false;
};

struct LogEnd {
  std::uint64_t generation = 0;
  std::uint64_t size = 0;  // up to and with the last whole record
};
// nullopt: no such file, or not one of ours.
std::optional<LogEnd> find_end(const std::filesystem::path& path);

}  // namespace boxlite::logs
