// SPDX-License-Identifier: Apache-2.0
#include "store/migrations.h"

#include <iterator>

#include "base/concat.h"

namespace boxlite::store {
namespace {

// Step n (from 1) takes a schema of version n - 1 to n. A step that was ever released is never edited.
constexpr const char* steps[] = {
    // `spec`, `image_config`, `stages`: JSON. Times: RFC 3339; `sequence` orders boxes made in the same
    // millisecond.
    "CREATE TABLE boxes("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  id TEXT NOT NULL UNIQUE,"
    "  name TEXT UNIQUE,"
    "  created_at TEXT NOT NULL,"
    "  spec TEXT NOT NULL,"
    "  image_digest TEXT NOT NULL DEFAULT '',"
    "  image_config TEXT NOT NULL DEFAULT '',"
    "  disk_base TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX boxes_by_disk_base ON boxes(disk_base);"
    "CREATE TABLE box_states("
    "  box_id TEXT PRIMARY KEY REFERENCES boxes(id) ON DELETE CASCADE,"
    "  status TEXT NOT NULL,"
    "  exit_code INTEGER,"
    "  started_at TEXT NOT NULL DEFAULT '',"
    "  stopped_at TEXT NOT NULL DEFAULT '',"
    "  failure TEXT NOT NULL DEFAULT '',"
    "  shim_pid INTEGER,"
    "  vmm_pid INTEGER,"
    "  accelerator TEXT NOT NULL DEFAULT '',"
    "  kernel_release TEXT NOT NULL DEFAULT '',"
    "  stages TEXT NOT NULL DEFAULT '[]') WITHOUT ROWID;",
    "CREATE TABLE volumes("
    "  name TEXT PRIMARY KEY,"
    "  created_at TEXT NOT NULL,"
    "  is_anonymous INTEGER NOT NULL) WITHOUT ROWID;",
    "ALTER TABLE box_states ADD COLUMN oom_killed INTEGER NOT NULL DEFAULT 0;",
};

Result<int> schema_version(Database& database) {
  auto query = BOXLITE_TRY(database.prepare("PRAGMA user_version"));
  BOXLITE_TRY(query.step());
  return static_cast<int>(query.number(0));
}

Result<void> check_not_newer(int version) {
  if (version <= newest_schema()) return {};
  return fail(
      Error(ErrorCode::unsupported,
            concat("database has schema ", version, ", this program knows up to ", newest_schema()))
          .with_remedy("this home was used by a newer BoxLite: update this one, or choose another home"));
}

}  // namespace

int newest_schema() {
  return static_cast<int>(std::size(steps));
}

Result<void> migrate(Database& database) {
  while (true) {
    // Looked at first without the write lock: nearly always there is nothing to do.
    int version = BOXLITE_TRY(schema_version(database));
    BOXLITE_TRY(check_not_newer(version));
    if (version == newest_schema()) return {};
    auto transaction = BOXLITE_TRY(Transaction::begin(database));
    version = BOXLITE_TRY(schema_version(database));
    BOXLITE_TRY(check_not_newer(version));
    if (version < newest_schema()) {
      BOXLITE_TRY_CONTEXT(concat("migrate database to schema ", version + 1),
                          database.execute(steps[version]));
      BOXLITE_TRY(database.execute(concat("PRAGMA user_version=", version + 1)));
    }
    BOXLITE_TRY(transaction.commit());
  }
}

}  // namespace boxlite::store
