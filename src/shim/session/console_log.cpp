// SPDX-License-Identifier: Apache-2.0
#include "shim/session/console_log.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/files.h"
#include "logs/last_lines.h"

namespace boxlite::shim {
namespace {

constexpr std::size_t kept_bytes = 8u << 10;
constexpr std::size_t tail_lines = 20;
constexpr std::string_view panic_mark = "Kernel panic - not syncing: ";
constexpr std::size_t longest_reason = 200;

std::filesystem::path rotated(const std::filesystem::path& path) {
  return path.native() + ".1";
}

}  // namespace

Result<ConsoleLog> ConsoleLog::create(std::filesystem::path path, std::size_t limit) {
  ::unlink(rotated(path).c_str());
  auto file = BOXLITE_TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
  return ConsoleLog(std::move(path), limit, std::move(file));
}

void ConsoleLog::append(std::string_view bytes) {
  last_.append(bytes);
  if (last_.size() > 2 * kept_bytes) last_.erase(0, last_.size() - kept_bytes);
  while (!bytes.empty()) {
    if (size_ >= limit_) rotate();
    const auto part = bytes.substr(0, limit_ - size_);
    (void)write_all(file_.get(), part, path_.native());
    size_ += part.size();
    bytes.remove_prefix(part.size());
  }
}

void ConsoleLog::rotate() {
  size_ = 0;
  if (::rename(path_.c_str(), rotated(path_).c_str()) == 0) {
    if (auto file = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC)) {
      file_ = std::move(*file);
      return;
    }
  }
  // Better to lose the old lines than to grow.
  if (::ftruncate(file_.get(), 0) == 0) ::lseek(file_.get(), 0, SEEK_SET);
}

std::string ConsoleLog::tail() const {
  return logs::last_lines(last_, tail_lines);
}

std::string ConsoleLog::panic() const {
  const auto begin = last_.rfind(panic_mark);
  if (begin == std::string::npos) return {};
  const auto line = std::string_view(last_).substr(begin + panic_mark.size());
  return logs::safe_ascii(line.substr(0, std::min(line.find('\n'), longest_reason)));
}

}  // namespace boxlite::shim
