// SPDX-License-Identifier: Apache-2.0
// The process that does one call of the service Files: a copy of the agent in the container's mount
// namespace, as root with the container's capabilities. Whatever it meets there (a hanging mount, a huge
// tree), the agent goes on.
#pragma once

#include <string>

#include "agent/container/accounts.h"
#include "agent/container/container.h"
#include "agent/files/worker_streams.h"
#include "base/result.h"

namespace boxlite::agent {

// What a call works with.
struct FileCall {
  WorkerEnd end;
  Account owner;  // the box's user: whom new files belong to
  std::string payload;
};

// Runs the method and never returns. Only in a process that was just forked.
[[noreturn]] void run_file_worker(const Container& container, const WorkerChannel& channel,
                                  const std::string& method, std::string payload);

// Whether there is such a method.
bool is_file_method(std::string_view method);

// ---- the methods; each has its own error, or has sent its result
// --------------------------------------------

Result<void> pack_files(FileCall& call);
Result<void> unpack_files(FileCall& call);
Result<void> read_file_content(FileCall& call);
Result<void> write_file_content(FileCall& call);
Result<void> list_files(FileCall& call);
Result<void> stat_file(FileCall& call);
Result<void> make_directory(FileCall& call);
Result<void> remove_file(FileCall& call);
Result<void> rename_file(FileCall& call);
Result<void> watch_files(FileCall& call);

// What stat(2) says about it.
Result<wire::msg::FileStat> describe_file(int directory_fd, const char* name, bool follow_link);
// invalid_argument for what cannot be a path.
Result<void> check_path(std::string_view path);

}  // namespace boxlite::agent
