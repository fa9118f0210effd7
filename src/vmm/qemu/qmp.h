// SPDX-License-Identifier: Apache-2.0
// QEMU's control channel (QMP): one JSON object a line each way.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::vmm::qemu {

// One thread. The greeting is awaited by the first command, so that starting a machine does not wait for it.
class Qmp {
 public:
  // A connected stream socket whose other end is QEMU's monitor.
  explicit Qmp(UniqueFd socket) : socket_(std::move(socket)) {}

  // What the command returned, as JSON text. `arguments` is a JSON object or empty. stopped when QEMU is
  // gone.
  Result<std::string> execute(std::string_view command, std::string_view arguments, Deadline deadline);
  // The member `status` of query-status.
  Result<std::string> query_status(Deadline deadline);

 private:
  Result<std::string> ask(std::string_view command, std::string_view arguments, Deadline deadline);
  Result<void> greet(Deadline deadline);
  Result<std::string> read_line(Deadline deadline);

  UniqueFd socket_;
  std::string received_;
  bool is_greeted_ = false;
};

}  // namespace boxlite::vmm::qemu
