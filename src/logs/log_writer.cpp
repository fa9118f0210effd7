// SPDX-License-Identifier: Apache-2.0
#include "logs/log_writer.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include "base/files.h"
#include "logs/log_reader.h"

namespace boxlite::logs {

LogWriter::LogWriter(std::filesystem::path path, const LogLimits& limits)
    : path_(std::move(path)),
      limits_{std::max<std::uint64_t>(limits.file_bytes, 4096),
              std::clamp<std::size_t>(limits.files, 1, most_files)} {
  open_current();
}

void LogWriter::open_current() {
  if (const auto end = find_end(path_)) {
    generation_ = end->generation;
    size_ = end->size;
    auto file = open_file(path_, O_WRONLY | O_NOFOLLOW);
    if (file && ::ftruncate(file->get(), static_cast<off_t>(size_)) == 0) {
      file_ = *std::move(file);
      return;
    }
  }
  // None, or one that is not ours: the next generation is in nobody's way.
  for (std::size_t age = 0; age < most_files; ++age) {
    if (const auto other = find_end(rotated_name(path_, age))) {
      generation_ = std::max(generation_, other->generation);
    }
  }
  rotate();
}

Result<void> LogWriter::begin_file(std::uint64_t generation) {
  auto file = BOXLITE_TRY(open_file(path_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
  const auto header = encode_file_header(generation);
  if (auto written = write_all(file.get(), header, path_.native()); !written) {
    ::unlink(path_.c_str());
    return written;
  }
  file_ = std::move(file);
  generation_ = generation;
  size_ = header.size();
  return {};
}

void LogWriter::rotate() {
  file_.reset();
  const bool is_there = ::access(path_.c_str(), F_OK) == 0;
  if (is_there && limits_.files == 1) ::unlink(path_.c_str());
  // Not again when only the new file could not be made: nothing old must go for that.
  for (std::size_t age = is_there ? limits_.files - 1 : 0; age > 0; --age) {
    ::rename(rotated_name(path_, age - 1).c_str(), rotated_name(path_, age).c_str());
  }
  if (generation_ >= max_generation) {
    for (std::size_t age = 0; age < most_files; ++age) ::unlink(rotated_name(path_, age).c_str());
    generation_ = 0;
  }
  // With no file, the next append tries again.
  (void)begin_file(generation_ + 1);
}

void LogWriter::append(RecordKind kind, std::string_view bytes, Timestamp time) {
  if (lost_ > 0 && write_record(RecordKind::gap, encode_count(lost_), time)) lost_ = 0;
  const auto most =
      std::min<std::uint64_t>(max_record_bytes, limits_.file_bytes - file_header_size - record_header_size);
  do {
    const auto piece = bytes.substr(0, most);
    bytes.remove_prefix(piece.size());
    if (!write_record(kind, piece, time)) lost_ += piece.size();
  } while (!bytes.empty());
}

// All of it or nothing.
bool LogWriter::write_record(RecordKind kind, std::string_view bytes, Timestamp time) {
  const auto size = record_header_size + bytes.size();
  if (!file_.is_open() || size_ + size > limits_.file_bytes) rotate();
  if (!file_.is_open()) return false;
  auto record =
      encode_record_header({.kind = kind, .length = static_cast<std::uint32_t>(bytes.size()), .time = time});
  record += bytes;
  const auto count = ::pwrite(file_.get(), record.data(), record.size(), static_cast<off_t>(size_));
  if (count == static_cast<ssize_t>(size)) {
    size_ += size;
    return true;
  }
  if (count > 0) (void)!::ftruncate(file_.get(), static_cast<off_t>(size_));
  return false;
}

}  // namespace boxlite::logs
