// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>

#include "backend/event_reader.h"
#include "journal/event_cursor.h"

namespace boxlite::local {

// The event log of a home on this host, filtered. Thread-safe.
class LocalEventReader final : public backend::EventReader {
 public:
  static Result<std::shared_ptr<LocalEventReader>> open(const std::filesystem::path& home,
                                                        EventOptions options);

  Result<std::optional<Event>> next(const CallOptions& call) override;

 private:
  LocalEventReader(journal::EventCursor cursor, EventOptions options)
      : cursor_(std::move(cursor)), options_(std::move(options)) {}
  bool is_wanted(const Event& event) const;

  std::mutex mutex_;
  journal::EventCursor cursor_;
  const EventOptions options_;
  std::atomic<bool> is_over_ = false;
};

}  // namespace boxlite::local
