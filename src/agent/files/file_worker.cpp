// SPDX-License-Identifier: Apache-2.0
#include "agent/files/file_worker.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>

#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "linux/process/capabilities.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t account_file_limit = 4u << 20;

struct FileMethod {
  std::string_view name;
  Result<void> (*run)(FileCall& call);
};
constexpr std::array<FileMethod, 10> methods{{{"Pack", pack_files},
                                              {"Unpack", unpack_files},
                                              {"Read", read_file_content},
                                              {"Write", write_file_content},
                                              {"List", list_files},
                                              {"Stat", stat_file},
                                              {"MakeDirectory", make_directory},
                                              {"Remove", remove_file},
                                              {"Rename", rename_file},
                                              {"Watch", watch_files}}};

const FileMethod* find_method(std::string_view name) {
  for (const auto& method : methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

Result<Account> owner_of_new_files(const Container& container) {
  const auto& user = container.defaults().user;
  if (user.empty() || user == "root" || user == "0") return Account{};
  return resolve_user(user, container.read_file("/etc/passwd", account_file_limit),
                      container.read_file("/etc/group", account_file_limit));
}

// The container's programs may see this process; they must not be able to use it or what it holds.
Result<void> enter_container(const Container& container, const WorkerChannel& channel) {
  ::prctl(PR_SET_NAME, "boxlite-files");
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::setns(container.mount_namespace(), CLONE_NEWNS) != 0) return fail(syscall_error("setns", "", errno));
  if (::dup2(channel.to_agent_fd(), 0) < 0 || ::dup2(channel.to_worker_fd(), 1) < 0)
    return fail(syscall_error("dup2", "", errno));
  // 2 stays: what a dying process says must not land in a file.
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(0);
  if (!linux_::limit_bounding_set(container.defaults().capabilities) ||
      !linux_::set_capabilities(container.defaults().capabilities)) {
    return fail(syscall_error("capset", "", errno));
  }
  // Changing capabilities has reset it.
  ::prctl(PR_SET_DUMPABLE, 0);
  return {};
}

// The remedy is written for the host's disk; here it is the box's that is full.
Error in_the_box(Error error) {
  if (error.os_error() != ENOSPC) return error;
  return Error(error.code(), error.message(), ENOSPC)
      .with_remedy("free space in the box, or make a box with a larger disk");
}

Result<void> run(const Container& container, const WorkerChannel& channel, const FileMethod& method,
                 FileCall& call) {
  call.owner = BOXLITE_TRY(owner_of_new_files(container));
  BOXLITE_TRY_CONTEXT("enter container", enter_container(container, channel));
  call.end.to_agent_fd = 0;
  call.end.to_worker_fd = 1;
  return method.run(call);
}

}  // namespace

bool is_file_method(std::string_view method) {
  return find_method(method) != nullptr;
}

void run_file_worker(const Container& container, const WorkerChannel& channel, const std::string& method,
                     std::string payload) {
  FileCall call{{&channel.memory(), channel.to_agent_fd(), channel.to_worker_fd()}, {}, std::move(payload)};
  try {
    if (const auto done = run(container, channel, *find_method(method), call); !done) {
      send_result(call.end, in_the_box(done.error()));
    }
  } catch (const std::exception& error) {
    send_result(call.end, Error(ErrorCode::internal, concat("work on files: ", error.what())));
  }
  ::_exit(0);
}

}  // namespace boxlite::agent
