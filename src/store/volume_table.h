// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace boxlite::store {

struct VolumeRecord {
  std::string name;
  std::string created_at;  // RFC 3339
  bool is_anonymous = false;
  bool operator==(const VolumeRecord&) const = default;
};

// Which volumes there are. Thread-safe; each call is one short transaction.
class VolumeTable {
 public:
  // Opens the database file, creates or migrates its schema.
  static Result<VolumeTable> open(const std::filesystem::path& path);

  // False: there is one of that name already, which stays as it is. Survives a power cut.
  Result<bool> insert(const VolumeRecord& record);
  // not_found for an unknown name.
  Result<VolumeRecord> get(std::string_view name);
  // By name.
  Result<std::vector<VolumeRecord>> list();
  // False: there was none.
  Result<bool> erase(std::string_view name);

 private:
  explicit VolumeTable(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace boxlite::store
