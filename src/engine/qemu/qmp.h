// SPDX-License-Identifier: Apache-2.0
// QEMU's control channel (QMP): one JSON object a line each way.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::engine::qemu {

// One thread. The greeting is awaited by the first command, so that starting a machine does not wait for it.
class Qmp {
 public:
  // A connected stream socket whose other end is QEMU's monitor; which has greeted somebody else already when
  // its process was frozen.
  explicit Qmp(UniqueFd socket, bool is_greeted = false)
      : socket_(std::move(socket)), is_greeted_(is_greeted) {}

  // What the command returned, as JSON text. `arguments` is a JSON object or empty. stopped when QEMU is
  // gone.
  Result<std::string> execute(std::string_view command, std::string_view arguments, Deadline deadline);
  // Sends a command and does not wait for what it returns; a failure shows only in what QEMU does then.
  Result<void> post(std::string_view command, std::string_view arguments);
  // Gives QEMU a duplicate of the descriptor under a name.
  Result<void> pass_fd(std::string_view name, int fd, Deadline deadline);
  // Waits until a migration that was asked for has ended; unavailable when it failed.
  Result<void> await_migration(Deadline deadline);
  // The member `status` of query-status.
  Result<std::string> query_status(Deadline deadline);

 private:
  Result<std::string> ask(std::string_view command, std::string_view arguments, Deadline deadline);
  Result<void> send(std::string_view command, std::string_view arguments, int fd = -1);
  Result<std::string> await_answer(Deadline deadline);
  Result<void> greet(Deadline deadline);
  Result<std::string> read_line(Deadline deadline);

  UniqueFd socket_;
  std::string received_;
  std::string migration_status_;
  std::size_t unread_answers_ = 0;  // of posted commands
  bool is_greeted_;
};

}  // namespace boxlite::engine::qemu
