// SPDX-License-Identifier: Apache-2.0
#include "logs/console_reader.h"

#include <cstddef>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "logs/log_format.h"

namespace boxlite::logs {
namespace {

constexpr std::size_t piece_size = 64u << 10;

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '\n' || byte == '\t' || (value >= 0x20 && value != 0x7f)) text += byte;
  }
  return text;
}

}  // namespace

// True when there is another file than the one just read.
bool ConsoleReader::open_next() {
  UniqueFd next;
  if (!std::exchange(has_begun_, true)) next = open_log_file(rotated_name(path_, 1));
  if (!next.is_open()) next = open_log_file(path_);
  struct stat now{};
  struct stat before{};
  if (!next.is_open() || ::fstat(next.get(), &now) != 0) return false;
  if (file_.is_open() && ::fstat(file_.get(), &before) == 0) {
    if (now.st_ino == before.st_ino && now.st_dev == before.st_dev) {
      // Begun anew in place, as at the start of a machine.
      if (static_cast<std::uint64_t>(now.st_size) >= offset_) return false;
    }
  }
  file_ = std::move(next);
  offset_ = 0;
  return true;
}

std::optional<std::string> ConsoleReader::next() {
  std::string buffer(piece_size, '\0');
  while (true) {
    const auto count =
        file_.is_open() ? ::pread(file_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_)) : 0;
    if (count > 0) {
      offset_ += static_cast<std::uint64_t>(count);
      return printable(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    }
    if (!open_next()) return std::nullopt;
  }
}

}  // namespace boxlite::logs
