// SPDX-License-Identifier: Apache-2.0
#include "store/volume_table.h"

#include "base/concat.h"
#include "base/scope_exit.h"
#include "store/migrations.h"

namespace boxlite::store {
namespace {

constexpr std::string_view columns = "SELECT name, created_at, is_anonymous FROM volumes ";

VolumeRecord record_of(const Statement& row) {
  return {.name = row.text(0), .created_at = row.text(1), .is_anonymous = row.number(2) != 0};
}

}  // namespace

Result<VolumeTable> VolumeTable::open(const std::filesystem::path& path) {
  auto database = BOXLITE_TRY(Database::open(path));
  BOXLITE_TRY_CONTEXT(concat("open ", in_quotes(path.native())), migrate(database));
  return VolumeTable(std::move(database));
}

Result<bool> VolumeTable::insert(const VolumeRecord& record) {
  const auto lock = database_.lock();
  BOXLITE_TRY(database_.survive_power_cut(true));
  const ScopeExit relax([&] { (void)database_.survive_power_cut(false); });
  auto transaction = BOXLITE_TRY(Transaction::begin(database_));
  auto insertion = BOXLITE_TRY(
      database_.prepare("INSERT OR IGNORE INTO volumes(name, created_at, is_anonymous) VALUES(?, ?, ?)"));
  insertion.bind(record.name).bind(record.created_at).bind(std::int64_t{record.is_anonymous ? 1 : 0});
  BOXLITE_TRY(insertion.run());
  const bool is_new = database_.changes() > 0;
  BOXLITE_TRY(transaction.commit());
  return is_new;
}

Result<VolumeRecord> VolumeTable::get(std::string_view name) {
  const auto lock = database_.lock();
  auto query = BOXLITE_TRY(database_.prepare(concat(columns, "WHERE name = ?")));
  query.bind(name);
  if (BOXLITE_TRY(query.step())) return record_of(query);
  return fail(Error(ErrorCode::not_found, concat("no volume ", in_quotes(name)))
                  .with_remedy("`boxlite volume ls` shows the volumes of this home"));
}

Result<std::vector<VolumeRecord>> VolumeTable::list() {
  const auto lock = database_.lock();
  auto query = BOXLITE_TRY(database_.prepare(concat(columns, "ORDER BY name")));
  std::vector<VolumeRecord> records;
  while (BOXLITE_TRY(query.step())) records.push_back(record_of(query));
  return records;
}

Result<bool> VolumeTable::erase(std::string_view name) {
  const auto lock = database_.lock();
  auto removal = BOXLITE_TRY(database_.prepare("DELETE FROM volumes WHERE name = ?"));
  removal.bind(name);
  BOXLITE_TRY(removal.run());
  return database_.changes() > 0;
}

}  // namespace boxlite::store
