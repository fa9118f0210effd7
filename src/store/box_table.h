// SPDX-License-Identifier: Apache-2.0
// What is recorded about boxes. The truth about which boxes exist; what a box is doing right now is for
// box/evidence.h to find out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace boxlite::store {

// The part of a box that changes while it lives.
struct BoxState {
  std::string status;
  std::optional<int> exit_code;
  bool oom_killed = false;
  std::string started_at;
  std::string stopped_at;
  std::string failure;
  std::optional<int> shim_pid;
  std::optional<int> vmm_pid;
  std::string accelerator;
  std::string kernel_release;
  std::string stages;  // JSON
  bool operator==(const BoxState&) const = default;
};

struct BoxRecord {
  std::string id;
  std::string name;  // empty: none
  std::string created_at;
  std::string spec;          // JSON
  std::string image_digest;  // of the manifest; empty before the first start
  std::string image_config;  // JSON; empty before the first start
  std::string
      disk_base;  // name of the image disk under the box's own (DiskShelf); empty before the first start
  BoxState state;
  bool operator==(const BoxRecord&) const = default;
};

// Thread-safe; each call is one short transaction.
class BoxTable {
 public:
  // Opens the database file, creates or migrates its schema.
  static Result<BoxTable> open(const std::filesystem::path& path);

  // already_exists when the name is taken. Survives a power cut.
  Result<void> insert(const BoxRecord& record);
  // not_found for an unknown id.
  Result<BoxRecord> get(std::string_view id);
  // The boxes whose name is `text` or whose id begins with it: at most one by name, which is then the first
  // and only one.
  Result<std::vector<BoxRecord>> find(std::string_view text);
  // Newest first.
  Result<std::vector<BoxRecord>> list();
  // not_found when the box is gone.
  Result<void> set_state(std::string_view id, const BoxState& state);
  // not_found when the box is gone. Survives a power cut.
  Result<void> set_spec(std::string_view id, std::string_view spec);
  // already_exists when the name is taken, not_found when the box is gone. Survives a power cut.
  Result<void> set_name(std::string_view id, std::string_view name);
  // What the box is made from, known at its first start. Survives a power cut.
  struct Origin {
    std::string image_digest;
    std::string image_config;
    std::string disk_base;
  };
  Result<void> set_origin(std::string_view id, const Origin& origin);
  // False: there was none. Survives a power cut.
  Result<bool> erase(std::string_view id);
  // Every base that a box stands on, once.
  Result<std::vector<std::string>> disk_bases();

 private:
  explicit BoxTable(Database database) : database_(std::move(database)) {}
  Result<std::vector<BoxRecord>> select(std::string_view condition, std::string_view argument);
  Result<void> insert_rows(const BoxRecord& record);
  Result<void> write_durably(auto&& change);

  Database database_;
};

}  // namespace boxlite::store
