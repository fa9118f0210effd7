// SPDX-License-Identifier: Apache-2.0
#include "store/box_table.h"

#include "base/concat.h"
#include "base/scope_exit.h"
#include "store/migrations.h"

namespace boxlite::store {
namespace {

constexpr std::string_view columns =
    "SELECT b.id, b.name, b.created_at, b.spec, b.image_digest, b.image_config, b.disk_base, s.status,"
    " s.exit_code, s.started_at, s.stopped_at, s.failure, s.shim_pid, s.vmm_pid, s.accelerator, "
    "s.kernel_release, s.stages, s.oom_killed"
    " FROM boxes b JOIN box_states s ON s.box_id = b.id ";

BoxState state_of(const Statement& row) {
  return {.status = row.text(7),
          .exit_code = row.optional_number(8),
          .oom_killed = row.number(17) != 0,
          .started_at = row.text(9),
          .stopped_at = row.text(10),
          .failure = row.text(11),
          .shim_pid = row.optional_number(12),
          .vmm_pid = row.optional_number(13),
          .accelerator = row.text(14),
          .kernel_release = row.text(15),
          .stages = row.text(16)};
}

BoxRecord record_of(const Statement& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .created_at = row.text(2),
          .spec = row.text(3),
          .image_digest = row.text(4),
          .image_config = row.text(5),
          .disk_base = row.text(6),
          .state = state_of(row)};
}

void bind_state(Statement& statement, const BoxState& state) {
  statement.bind(state.status)
      .bind(state.exit_code)
      .bind(state.started_at)
      .bind(state.stopped_at)
      .bind(state.failure)
      .bind(state.shim_pid)
      .bind(state.vmm_pid)
      .bind(state.accelerator)
      .bind(state.kernel_release)
      .bind(state.stages)
      .bind(state.oom_killed ? 1 : 0);
}

Error no_such_box(std::string_view id) {
  return Error(ErrorCode::not_found, concat("no box ", in_quotes(id)));
}

Error name_is_taken(std::string_view name) {
  return Error(ErrorCode::already_exists, concat("the name ", in_quotes(name), " is taken"))
      .with_remedy("choose another name, or remove the box that has it");
}

// A prefix as a GLOB pattern; ids are alphanumeric, so anything else cannot be one.
std::string id_pattern(std::string_view text) {
  for (const char character : text) {
    const bool is_id_character = (character >= '0' && character <= '9') ||
                                 (character >= 'A' && character <= 'Z') ||
                                 (character >= 'a' && character <= 'z');
    if (!is_id_character) return {};
  }
  return text.empty() ? std::string() : concat(text, "*");
}

}  // namespace

Result<BoxTable> BoxTable::open(const std::filesystem::path& path) {
  auto database = BOXLITE_TRY(Database::open(path));
  BOXLITE_TRY_CONTEXT(concat("open ", in_quotes(path.native())), migrate(database));
  return BoxTable(std::move(database));
}

Result<void> BoxTable::write_durably(auto&& change) {
  BOXLITE_TRY(database_.survive_power_cut(true));
  const ScopeExit relax([&] { (void)database_.survive_power_cut(false); });
  auto transaction = BOXLITE_TRY(Transaction::begin(database_));
  BOXLITE_TRY(change());
  return transaction.commit();
}

Result<void> BoxTable::insert_rows(const BoxRecord& record) {
  auto box = BOXLITE_TRY(
      database_.prepare("INSERT INTO boxes(id, name, created_at, spec, image_digest, image_config, disk_base)"
                        " VALUES(?, nullif(?, ''), ?, ?, ?, ?, ?)"));
  box.bind(record.id).bind(record.name).bind(record.created_at).bind(record.spec);
  box.bind(record.image_digest).bind(record.image_config).bind(record.disk_base);
  if (auto inserted = box.run(); !inserted) {
    if (inserted.error().code() != ErrorCode::already_exists) return inserted;
    return fail(name_is_taken(record.name));
  }
  auto state = BOXLITE_TRY(database_.prepare(
      "INSERT INTO box_states(status, exit_code, started_at, stopped_at, failure, shim_pid, vmm_pid,"
      " accelerator, kernel_release, stages, oom_killed, box_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?)"));
  bind_state(state, record.state);
  return state.bind(record.id).run();
}

Result<void> BoxTable::insert(const BoxRecord& record) {
  const auto lock = database_.lock();
  return write_durably([&] { return insert_rows(record); });
}

Result<std::vector<BoxRecord>> BoxTable::select(std::string_view condition, std::string_view argument) {
  const auto lock = database_.lock();
  auto query = BOXLITE_TRY(database_.prepare(concat(columns, condition)));
  if (!argument.empty()) query.bind(argument);
  std::vector<BoxRecord> records;
  while (BOXLITE_TRY(query.step())) records.push_back(record_of(query));
  return records;
}

Result<BoxRecord> BoxTable::get(std::string_view id) {
  auto records = BOXLITE_TRY(select("WHERE b.id = ?", id));
  if (id.empty() || records.empty()) return fail(no_such_box(id));
  return std::move(records.front());
}

Result<std::vector<BoxRecord>> BoxTable::find(std::string_view text) {
  if (text.empty()) return std::vector<BoxRecord>();
  auto named = BOXLITE_TRY(select("WHERE b.name = ?", text));
  if (!named.empty()) return named;
  const auto pattern = id_pattern(text);
  if (pattern.empty()) return std::vector<BoxRecord>();
  return select("WHERE b.id GLOB ? ORDER BY b.sequence DESC", pattern);
}

Result<std::vector<BoxRecord>> BoxTable::list() {
  return select("ORDER BY b.sequence DESC", {});
}

Result<void> BoxTable::set_state(std::string_view id, const BoxState& state) {
  const auto lock = database_.lock();
  auto update = BOXLITE_TRY(database_.prepare(
      "UPDATE box_states SET status = ?, exit_code = ?, started_at = ?, stopped_at = ?,"
      " failure = ?, shim_pid = ?, vmm_pid = ?, accelerator = ?, kernel_release = ?, stages = ?,"
      " oom_killed = ? WHERE box_id = ?"));
  bind_state(update, state);
  BOXLITE_TRY(update.bind(id).run());
  if (database_.changes() == 0) return fail(no_such_box(id));
  return {};
}

Result<void> BoxTable::set_spec(std::string_view id, std::string_view spec) {
  const auto lock = database_.lock();
  return write_durably([&]() -> Result<void> {
    auto update = BOXLITE_TRY(database_.prepare("UPDATE boxes SET spec = ? WHERE id = ?"));
    update.bind(spec).bind(id);
    BOXLITE_TRY(update.run());
    if (database_.changes() == 0) return fail(no_such_box(id));
    return {};
  });
}

Result<void> BoxTable::set_name(std::string_view id, std::string_view name) {
  const auto lock = database_.lock();
  return write_durably([&]() -> Result<void> {
    auto update = BOXLITE_TRY(database_.prepare("UPDATE boxes SET name = nullif(?, '') WHERE id = ?"));
    update.bind(name).bind(id);
    const auto updated = update.run();
    if (!updated && updated.error().code() == ErrorCode::already_exists) return fail(name_is_taken(name));
    BOXLITE_TRY(updated);
    if (database_.changes() == 0) return fail(no_such_box(id));
    return {};
  });
}

Result<void> BoxTable::set_origin(std::string_view id, const Origin& origin) {
  const auto lock = database_.lock();
  // A row that a power cut takes back would let its disk be pruned under the box's data.
  return write_durably([&]() -> Result<void> {
    auto update = BOXLITE_TRY(
        database_.prepare("UPDATE boxes SET image_digest = ?, image_config = ?, disk_base = ? WHERE id = ?"));
    update.bind(origin.image_digest).bind(origin.image_config).bind(origin.disk_base);
    BOXLITE_TRY(update.bind(id).run());
    if (database_.changes() == 0) return fail(no_such_box(id));
    return {};
  });
}

Result<bool> BoxTable::erase(std::string_view id) {
  const auto lock = database_.lock();
  bool was_there = false;
  const auto removed = write_durably([&]() -> Result<void> {
    auto removal = BOXLITE_TRY(database_.prepare("DELETE FROM boxes WHERE id = ?"));
    BOXLITE_TRY(removal.bind(id).run());
    was_there = database_.changes() > 0;
    return {};
  });
  if (!removed) return std::unexpected(removed.error());
  return was_there;
}

Result<std::vector<std::string>> BoxTable::disk_bases() {
  const auto lock = database_.lock();
  auto query = BOXLITE_TRY(database_.prepare("SELECT DISTINCT disk_base FROM boxes WHERE disk_base <> ''"));
  std::vector<std::string> found;
  while (BOXLITE_TRY(query.step())) found.push_back(query.text(0));
  return found;
}

}  // namespace boxlite::store
