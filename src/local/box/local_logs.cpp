// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_logs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/concat.h"
#include "box/call.h"
#include "logs/console_reader.h"
#include "shimlink/shim_process.h"
#include "shimlink/shim_record.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

// How long the end of a box may go unnoticed; new bytes are noticed at once.
constexpr std::chrono::milliseconds look_pause = 200ms;

}  // namespace

// One of the two kinds of log.
class LocalLogs::Source {
 public:
  Source(const box::BoxPaths& paths, bool is_console)
      : path_(paths.directory / (is_console ? shimlink::console_log_name : shimlink::container_log_name)) {
    if (is_console) {
      console_.emplace(path_);
    } else {
      container_.emplace(path_);
    }
  }
  const std::filesystem::path& path() const { return path_; }
  std::optional<logs::Record> next() {
    if (container_) return container_->next();
    auto bytes = console_->next();
    if (!bytes) return std::nullopt;
    return logs::Record{.bytes = *std::move(bytes)};
  }

 private:
  std::filesystem::path path_;
  std::optional<logs::LogReader> container_;
  std::optional<logs::ConsoleReader> console_;
};

LocalLogs::LocalLogs(const box::BoxPaths& paths, const LogOptions& options)
    : paths_(paths), options_(options) {}

LocalLogs::~LocalLogs() = default;

Result<std::shared_ptr<LocalLogs>> LocalLogs::open(const box::BoxPaths& paths, const LogOptions& options) {
  std::shared_ptr<LocalLogs> reader(new LocalLogs(paths, options));
  reader->source_ = reader->open_source();
  if (options.tail) reader->skip_to_tail();
  if (options.follow) reader->changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  return reader;
}

std::unique_ptr<LocalLogs::Source> LocalLogs::open_source() const {
  return std::make_unique<Source>(paths_, options_.console);
}

// Twice through the files rather than a memory of lines: those are bounded, lines are not.
void LocalLogs::skip_to_tail() {
  logs::LineTail counter(std::numeric_limits<std::uint64_t>::max());
  const auto source = open_source();
  while (const auto record = source->next()) {
    if (record->kind == logs::RecordKind::start) counter.end_lines();
    if (is_wanted(*record)) counter.pick(record->kind, record->bytes);
  }
  tail_ = logs::LineTail(counter.lines() - std::min(counter.lines(), *options_.tail));
}

bool LocalLogs::is_wanted(const logs::Record& record) const {
  if (record.kind == logs::RecordKind::start) return false;
  if (options_.console) return true;
  if (options_.since && record.time < *options_.since) return false;
  if (options_.until && record.time > *options_.until) return false;
  if (!options_.stream || record.kind == logs::RecordKind::gap) return true;
  return (*options_.stream == OutputStream::stderr_) == (record.kind == logs::RecordKind::stderr_bytes);
}

std::optional<LogRecord> LocalLogs::select(const logs::Record& record) {
  if (record.kind == logs::RecordKind::start) tail_.end_lines();
  if (!is_wanted(record)) return std::nullopt;
  LogRecord selected;
  selected.time = record.time;
  if (record.kind == logs::RecordKind::gap) {
    if (options_.tail && tail_.lines() == 0 && *options_.tail > 0) return std::nullopt;
    selected.is_gap = true;
    selected.lost_bytes = record.lost;
    return selected;
  }
  if (record.kind == logs::RecordKind::stderr_bytes) selected.stream = OutputStream::stderr_;
  selected.bytes = tail_.pick(record.kind, record.bytes);
  if (selected.bytes.empty()) return std::nullopt;
  return selected;
}

bool LocalLogs::is_over() {
  if (!options_.follow || box_has_ended_) return true;
  if (options_.until && !options_.console && now() > *options_.until) return true;
  const auto is_alive = shimlink::is_shim_alive(paths_.directory);
  // What it wrote last may have come since we looked.
  box_has_ended_ = !is_alive || !*is_alive;
  return false;
}

bool LocalLogs::watch() {
  if (!changes_.is_open()) return false;
  const auto watched = ::inotify_add_watch(changes_.get(), source_->path().c_str(), IN_MODIFY | IN_MOVE_SELF);
  return std::exchange(file_watch_, watched) != watched;
}

void LocalLogs::wait(const Deadline& deadline) const {
  const auto limit = static_cast<int>(look_pause.count());
  const auto left = deadline.poll_timeout_ms();
  pollfd entry{changes_.get(), POLLIN, 0};
  ::poll(&entry, changes_.is_open() ? 1 : 0, left < 0 ? limit : std::min(left, limit));
  char events[4096];
  while (changes_.is_open() && ::read(changes_.get(), events, sizeof events) > 0) {
  }
}

Result<std::optional<LogRecord>> LocalLogs::next(const CallOptions& call) {
  const auto deadline = box::deadline_of(call);
  const std::lock_guard lock(mutex_);
  while (!is_done_) {
    if (const auto record = source_->next()) {
      if (auto selected = select(*record)) return selected;
      continue;
    }
    if (is_over()) {
      is_done_ = true;
      break;
    }
    if (box_has_ended_ || watch()) continue;
    if (deadline.has_passed()) return fail(deadline.error("read logs: nothing came in time"));
    wait(deadline);
  }
  return std::optional<LogRecord>();
}

}  // namespace boxlite::local
