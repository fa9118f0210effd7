// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "backend/log_reader.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "box/box_paths.h"
#include "logs/line_tail.h"
#include "logs/log_reader.h"

namespace boxlite::local {

// The logs of a box on this host, read from its directory: no machine and no other process is asked.
// Thread-safe.
class LocalLogs final : public backend::LogReader {
 public:
  static Result<std::shared_ptr<LocalLogs>> open(const box::BoxPaths& paths, const LogOptions& options);
  ~LocalLogs() override;

  Result<std::optional<LogRecord>> next(const CallOptions& call) override;

 private:
  class Source;
  LocalLogs(const box::BoxPaths& paths, const LogOptions& options);
  std::unique_ptr<Source> open_source() const;
  // nullopt: not wanted.
  std::optional<LogRecord> select(const logs::Record& record);
  bool is_wanted(const logs::Record& record) const;
  void skip_to_tail();
  // Whether there may be more.
  bool is_over();
  // True when something was to be watched that had not been: look once more.
  bool watch();
  void wait(const Deadline& deadline) const;

  const box::BoxPaths paths_;
  const LogOptions options_;

  std::mutex mutex_;
  std::unique_ptr<Source> source_;
  logs::LineTail tail_{0};
  bool box_has_ended_ = false;
  bool is_done_ = false;
  UniqueFd changes_;  // inotify
  int file_watch_ = -1;
};

}  // namespace boxlite::local
