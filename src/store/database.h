// SPDX-License-Identifier: Apache-2.0
// SQLite as values: a connection, a statement, a transaction. sqlite3.h is included by database.cpp only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace boxlite::store {

class Database;

// A compiled statement. Borrows its Database, which must outlive it. Same thread rule as the Database.
class Statement {
 public:
  // Values for the parameters, in order of appearance. The text is copied.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(std::optional<int> number);

  // True: a row is there to be read. False: the end.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();

  // Columns of the current row, from 0. NULL reads as "" and 0.
  std::string text(int column) const;
  std::int64_t number(int column) const;
  std::optional<int> optional_number(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  void remember(int code);

  sqlite3* connection_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int next_parameter_ = 1;
  int bind_error_ = 0;
};

// One connection, in WAL mode: readers never wait, a writer waits up to ten seconds for another one, in
// whatever process. One thread at a time: the one that uses it holds lock().
// On a full disk, where SQLite cannot open a WAL database, it is a snapshot: what is there can be read,
// writing fails with resource_exhausted, and each statement looks first whether there is room again.
class Database {
 public:
  // Creates the file (0600) when missing; its directory must exist.
  static Result<Database> open(const std::filesystem::path& path);

  Result<Statement> prepare(std::string_view sql);
  // One or several statements without parameters or rows.
  Result<void> execute(const std::string& sql);
  // How many rows the last statement changed.
  std::int64_t changes() const;
  // A commit usually survives the death of any process but may be lost in a power cut; while `on`, it
  // survives both. Must be called outside a transaction.
  Result<void> survive_power_cut(bool on);

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(*mutex_); }

 private:
  struct Closer {
    void operator()(sqlite3* connection) const;
  };
  using Connection = std::unique_ptr<sqlite3, Closer>;
  Database(std::filesystem::path path, Connection connection)
      : path_(std::move(path)), connection_(std::move(connection)) {}
  static Result<Connection> connect(const std::filesystem::path& path);
  static Result<Connection> read_snapshot(const std::filesystem::path& path);
  Result<void> renew_snapshot();

  std::filesystem::path path_;
  Connection connection_;
  bool is_snapshot_ = false;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
};

// Takes the write lock at once, so that what was read inside still holds when it is written. Rolled back
// unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace boxlite::store
