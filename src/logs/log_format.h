// SPDX-License-Identifier: Apache-2.0
// The files in which a box keeps what its main command wrote: docs/reference/log-format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::logs {

enum class RecordKind : std::uint8_t {
  stdout_bytes = 1,
  stderr_bytes = 2,
  gap = 3,    // bytes were lost here
  start = 4,  // the main command of another machine begins
};

struct RecordHeader {
  RecordKind kind = RecordKind::stdout_bytes;
  std::uint32_t length = 0;  // of what follows
  Timestamp time = {};
};

inline constexpr std::size_t file_header_size = 16;
inline constexpr std::size_t record_header_size = 16;
inline constexpr std::size_t max_record_bytes = 64u << 10;
inline constexpr std::size_t gap_bytes = 8;

// A file is named by how many came after it: container.log, container.log.1 …; its generation, one more than
// that of the file before, tells a reader which is which whatever they are named at the moment.
std::filesystem::path rotated_name(const std::filesystem::path& path, std::size_t age);
inline constexpr std::size_t most_files = 100;

// A file of a log for reading; not open when there is none of that name. A directory or a pipe is none of
// ours, and does not block us.
UniqueFd open_log_file(const std::filesystem::path& path);

// Nobody writes that many; a file that says so is damaged.
inline constexpr std::uint64_t max_generation = std::uint64_t{1} << 62;

std::string encode_file_header(std::uint64_t generation);
// nullopt: these are not the first bytes of such a file.
std::optional<std::uint64_t> decode_file_header(std::string_view bytes);

std::string encode_record_header(const RecordHeader& header);
// `bytes` holds record_header_size of them. nullopt: no record begins like this.
std::optional<RecordHeader> decode_record_header(std::string_view bytes);

std::string encode_count(std::uint64_t count);
std::uint64_t decode_count(std::string_view bytes);

}  // namespace boxlite::logs
