// SPDX-License-Identifier: Apache-2.0
#include "fileserver/locks/held_locks.h"

#include <array>
#include <charconv>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/unique_fd.h"

namespace boxlite::fileserver {
namespace {

// As text of more locks than a descriptor should have; the rest counts as lost.
constexpr std::size_t max_info = 1u << 20;

std::string_view take_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const auto word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

std::uint64_t number_of(std::string_view word) {
  auto number = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());  // "EOF"
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

// "lock: 1: OFDLCK ADVISORY WRITE -1 08:01:12 0 EOF"
void take_lock(std::string_view line, HeldLocks& held) {
  if (take_word(line) != "lock:") return;
  take_word(line);
  const auto kind = take_word(line);
  take_word(line);
  const auto type = take_word(line);
  take_word(line);
  take_word(line);
  ServerState::Range range{.is_exclusive = type == "WRITE"};
  range.start = number_of(take_word(line));
  range.end = number_of(take_word(line));
  if (kind == "FLOCK") held.whole = range;
  if (kind == "OFDLCK") held.ranges.push_back(range);
}

}  // namespace

HeldLocks parse_held_locks(std::string_view info) {
  HeldLocks held;
  while (!info.empty()) {
    const auto line = info.substr(0, info.find('\n'));
    take_lock(line, held);
    info.remove_prefix(std::min(line.size() + 1, info.size()));
  }
  return held;
}

HeldLocks held_locks(int directory_fd, int fd) {
  const UniqueFd file(::openat(directory_fd, concat(fd).c_str(), O_RDONLY | O_CLOEXEC));
  std::string info;
  std::array<char, 4096> buffer;
  while (info.size() < max_info) {
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    info.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return parse_held_locks(info);
}

}  // namespace boxlite::fileserver
