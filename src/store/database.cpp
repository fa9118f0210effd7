// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <cerrno>

#include <fcntl.h>
#include <sqlite3.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/files/file_lock.h"

namespace boxlite::store {
namespace {

constexpr int writer_patience_ms = 10'000;

ErrorCode code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::timed_out;
    case SQLITE_FULL:
    case SQLITE_NOMEM: return ErrorCode::resource_exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::corrupted;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ErrorCode::permission_denied;
    case SQLITE_CONSTRAINT: return ErrorCode::already_exists;
    default: return ErrorCode::internal;
  }
}

std::string_view remedy_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::resource_exhausted: return "free space on the home's file system";
    case ErrorCode::timed_out: return "another process keeps the database busy; try again";
    case ErrorCode::corrupted: return "restore boxlite.db from a backup, or move it away to begin anew";
    default: return {};
  }
}

Error sqlite_error(sqlite3* connection, int code) {
  const int os_error = sqlite3_system_errno(connection);
  const bool is_disk_full = (code & 0xff) == SQLITE_IOERR && (os_error == ENOSPC || os_error == EFBIG);
  // SQLite knows every file by its whole path; a snapshot (see Database) has none.
  const char* const file = sqlite3_db_filename(connection, "main");
  const bool is_snapshot_write = (code & 0xff) == SQLITE_READONLY && (file == nullptr || *file != '/');
  const auto our_code = is_disk_full || is_snapshot_write ? ErrorCode::resource_exhausted : code_of(code);
  return Error(our_code, concat("database: ", sqlite3_errmsg(connection)), os_error)
      .with_remedy(remedy_of(our_code));
}

constexpr const char* connection_setup =
    "PRAGMA journal_mode=WAL;"
    // See survive_power_cut: an fsync per commit costs more than all else that a start writes.
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA foreign_keys=ON;";

// SQLite would create it with the umask's mode. A file that is there is left alone: closing a descriptor of
// it would drop the locks that other connections of this process hold on it (fcntl(2)).
Result<void> create_if_missing(const std::filesystem::path& path) {
  const auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!file && file.error().os_error() != EEXIST) return std::unexpected(file.error());
  return {};
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::remember(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::bind(std::string_view text) {
  // SQLITE_TRANSIENT is a C cast of -1 to a function pointer; the 64-bit call has no length to narrow.
  remember(sqlite3_bind_text64(statement_.get(), next_parameter_++, text.empty() ? "" : text.data(),
                               text.size(), reinterpret_cast<sqlite3_destructor_type>(-1), SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  remember(sqlite3_bind_int64(statement_.get(), next_parameter_++, number));
  return *this;
}

Statement& Statement::bind(std::optional<int> number) {
  if (number) return bind(std::int64_t{*number});
  remember(sqlite3_bind_null(statement_.get(), next_parameter_++));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) return fail(sqlite_error(connection_, bind_error_));
  switch (const int code = sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return fail(sqlite_error(connection_, code));
  }
}

Result<void> Statement::run() {
  BOXLITE_TRY(step());
  return {};
}

std::string Statement::text(int column) const {
  const unsigned char* begin = sqlite3_column_text(statement_.get(), column);
  if (begin == nullptr) return {};
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return std::string(reinterpret_cast<const char*>(begin), length);
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::optional<int> Statement::optional_number(int column) const {
  if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
  return sqlite3_column_int(statement_.get(), column);
}

void Database::Closer::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Database::Connection> Database::connect(const std::filesystem::path& path) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(raw);
  if (code != SQLITE_OK) return fail(sqlite_error(raw, code));
  sqlite3_busy_timeout(raw, writer_patience_ms);
  // Else the last of several short-lived processes would pay two fsyncs to fold the log into the file, each
  // time.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return connection;
}

// The first connection makes the log's index anew, in a file, and a full disk has no room for it. A process
// that has the database for itself keeps the index in its heap.
Result<Database::Connection> Database::read_snapshot(const std::filesystem::path& path) {
  Database alone(path, BOXLITE_TRY(connect(path)));
  BOXLITE_TRY(alone.execute("PRAGMA locking_mode=EXCLUSIVE; SELECT 1 FROM sqlite_schema"));
  auto snapshot = BOXLITE_TRY(connect(":memory:"));
  sqlite3_int64 size = 0;
  auto* const image = sqlite3_serialize(alone.connection_.get(), "main", &size, 0);
  if (image == nullptr) return fail(ErrorCode::resource_exhausted, "no memory for the database");
  // Bytes 18 and 19 of the header (SQLite's file format, 1.3.3): 1 is a database without a log.
  constexpr sqlite3_int64 write_version = 18;
  if (size > write_version + 1) image[write_version] = image[write_version + 1] = 1;
  // It takes the image, also when it fails.
  const int code = sqlite3_deserialize(snapshot.get(), "main", image, size, size,
                                       SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
  if (code != SQLITE_OK) return fail(sqlite_error(snapshot.get(), code));
  return snapshot;
}

Result<Database> Database::open(const std::filesystem::path& path) {
  // Two processes that both make a new file a WAL database find each other busy, and SQLite waits for
  // neither.
  const auto opening =
      BOXLITE_TRY(linux_::FileLock::acquire(path.native() + ".lock", linux_::LockMode::exclusive,
                                            Deadline::after(std::chrono::milliseconds(writer_patience_ms))));
  BOXLITE_TRY(create_if_missing(path));
  const auto what = concat("open ", in_quotes(path.native()));
  Database database(path, BOXLITE_TRY_CONTEXT(what, connect(path)));
  auto set_up = database.execute(connection_setup);
  if (set_up) return database;
  if (set_up.error().code() != ErrorCode::resource_exhausted)
    return fail(std::move(set_up.error()).context(what));
  database.connection_.reset();
  database.connection_ = BOXLITE_TRY_CONTEXT(what, read_snapshot(path));
  database.is_snapshot_ = true;
  return database;
}

// There may be room by now, or another process may have written. Statements of the old connection keep it
// (sqlite3_close_v2).
Result<void> Database::renew_snapshot() {
  if (!is_snapshot_ || sqlite3_get_autocommit(connection_.get()) == 0) return {};
  auto anew = BOXLITE_TRY(open(path_));
  connection_ = std::move(anew.connection_);
  is_snapshot_ = anew.is_snapshot_;
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  BOXLITE_TRY(renew_snapshot());
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return fail(sqlite_error(connection_.get(), code));
  return Statement(connection_.get(), raw);
}

Result<void> Database::execute(const std::string& sql) {
  BOXLITE_TRY(renew_snapshot());
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(sqlite_error(connection_.get(), code));
  return {};
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_.get());
}

Result<void> Database::survive_power_cut(bool on) {
  return execute(on ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}

Result<Transaction> Transaction::begin(Database& database) {
  BOXLITE_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // A failed rollback means that SQLite has rolled back already.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  BOXLITE_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace boxlite::store
