// SPDX-License-Identifier: Apache-2.0
#include "logs/log_reader.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace boxlite::logs {
namespace {

constexpr std::size_t read_size = 128u << 10;
static_assert(read_size >= record_header_size + max_record_bytes);

std::size_t read_at(int fd, std::uint64_t offset, char* into, std::size_t count) {
  while (true) {
    const auto got = ::pread(fd, into, count, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
}

struct OpenLog {
  UniqueFd file;
  std::uint64_t generation = 0;
};

std::optional<OpenLog> open_log(const std::filesystem::path& path) {
  auto file = open_log_file(path);
  if (!file.is_open()) return std::nullopt;
  char header[file_header_size];
  const auto count = read_at(file.get(), 0, header, sizeof header);
  const auto generation = decode_file_header({header, count});
  if (!generation) return std::nullopt;
  return OpenLog{std::move(file), *generation};
}

}  // namespace

std::optional<Record> LogReader::next() {
  while (true) {
    if (!file_.is_open()) {
      const auto before = generation_;
      const auto found = advance();
      if (!found) return std::nullopt;
      // Files in between were rotated away before they were read.
      if (before != 0 && *found > before + 1) return Record{.kind = RecordKind::gap};
    }
    if (!is_damaged_) {
      if (auto record = read_record()) return record;
    }
    if (!std::exchange(is_at_last_look_, true)) {
      // Is there a newer one? Then this one has got all it will ever get, and is looked at once more.
      LogReader probe(path_);
      probe.generation_ = generation_;
      if (probe.advance()) continue;
      is_at_last_look_ = false;
      return std::nullopt;
    }
    file_.reset();
  }
}

std::optional<std::uint64_t> LogReader::advance() {
  std::optional<OpenLog> best;
  for (std::size_t age = 0; age < most_files; ++age) {
    auto log = open_log(rotated_name(path_, age));
    if (!log) {
      // The current one may be missing for a moment, in the middle of a rotation.
      if (age > 0) break;
      continue;
    }
    if (log->generation > generation_ && (!best || log->generation < best->generation)) best = std::move(log);
  }
  if (!best) return std::nullopt;
  file_ = std::move(best->file);
  generation_ = best->generation;
  offset_ = file_header_size;
  buffer_.clear();
  buffer_offset_ = offset_;
  is_at_last_look_ = false;
  is_damaged_ = false;
  return generation_;
}

// At least `wanted` bytes from offset_ on, or what there is.
std::string_view LogReader::buffered(std::size_t wanted) {
  auto begin = static_cast<std::size_t>(offset_ - buffer_offset_);
  if (begin > buffer_.size() || buffer_.size() - begin < wanted) {
    buffer_.resize(read_size);
    buffer_.resize(read_at(file_.get(), offset_, buffer_.data(), buffer_.size()));
    buffer_offset_ = offset_;
    begin = 0;
  }
  return std::string_view(buffer_).substr(begin);
}

std::optional<Record> LogReader::read_record() {
  auto bytes = buffered(record_header_size);
  if (bytes.size() < record_header_size) return not_yet();
  const auto header = decode_record_header(bytes.substr(0, record_header_size));
  if (!header) return skip_rest();
  const auto size = record_header_size + header->length;
  bytes = buffered(size);
  if (bytes.size() < size) return not_yet();
  offset_ += size;
  const auto content = bytes.substr(record_header_size, header->length);
  Record record{.kind = header->kind, .time = header->time};
  if (header->kind == RecordKind::gap) {
    record.lost = decode_count(content);
  } else {
    record.bytes = content;
  }
  return record;
}

// What is there of a record may be torn, and a new writer's record come in its place.
std::optional<Record> LogReader::not_yet() {
  buffer_.clear();
  buffer_offset_ = offset_;
  return std::nullopt;
}

// What follows cannot be told apart any more: the next file begins with a record again.
std::optional<Record> LogReader::skip_rest() {
  is_damaged_ = true;
  struct stat status{};
  std::uint64_t size = 0;
  if (::fstat(file_.get(), &status) == 0)
    size = static_cast<std::uint64_t>(std::max<off_t>(0, status.st_size));
  return Record{.kind = RecordKind::gap, .lost = size > offset_ ? size - offset_ : 0};
}

std::optional<LogEnd> find_end(const std::filesystem::path& path) {
  const auto log = open_log(path);
  if (!log) return std::nullopt;
  LogEnd end{.generation = log->generation, .size = file_header_size};
  std::string buffer;
  std::uint64_t buffer_offset = 0;
  while (true) {
    auto begin = static_cast<std::size_t>(end.size - buffer_offset);
    if (begin > buffer.size() || buffer.size() - begin < record_header_size) {
      buffer.resize(read_size);
      buffer.resize(read_at(log->file.get(), end.size, buffer.data(), buffer.size()));
      buffer_offset = end.size;
      begin = 0;
      if (buffer.size() < record_header_size) return end;
    }
    const auto header = decode_record_header(std::string_view(buffer).substr(begin, record_header_size));
    if (!header) return end;
    const auto next = end.size + record_header_size + header->length;
    // Whether its last byte is there.
    char last = 0;
    const bool is_whole =
        next - buffer_offset <= buffer.size() || read_at(log->file.get(), next - 1, &last, 1) == 1;
    if (!is_whole) return end;
    end.size = next;
  }
}

}  // namespace boxlite::logs
