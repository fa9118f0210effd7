// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/unique_fd.h"
#include "netpolicy/audit_log.h"

namespace boxlite::netpolicy {

// Reads network.log.1 and network.log, oldest first, also while they are written. Lines that are no records
// are left out. A reader that falls behind by two whole files misses what lay between. One thread.
class AuditReader {
 public:
  explicit AuditReader(std::filesystem::path file) : path_(std::move(file)) {}

  // nullopt: there is nothing more at the moment.
  std::optional<AuditRecord> next();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::optional<AuditRecord> take_record();
  bool read_more();
  bool advance();
  bool enter(const std::filesystem::path& path);

  std::filesystem::path path_;
  UniqueFd file_;
  off_t offset_ = 0;
  std::string unread_;
  bool is_skipping_ = false;  // in the middle of a line that is too long
};

}  // namespace boxlite::netpolicy
