// SPDX-License-Identifier: Apache-2.0
#include "shimlink/shim_process.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "linux/files/file_lock.h"
#include "linux/process/process_identity.h"
#include "linux/sockets/fd_passing.h"
#include "linux/sockets/unix_socket.h"
#include "shimlink/shim_record.h"

namespace boxlite::shimlink {
namespace {

// A shim reads its config first of all.
constexpr auto config_limit = std::chrono::seconds(10);
constexpr auto lock_limit = std::chrono::seconds(1);
constexpr auto greeting_limit = std::chrono::milliseconds(200);

Result<linux_::FileLock> take_lock(const ShimConfig& config) {
  // A process that asks is_shim_alive() holds the lock for a moment, too.
  auto lock = linux_::FileLock::acquire(config.box_dir / shim_lock_name, linux_::LockMode::exclusive,
                                        Deadline::after(lock_limit));
  if (lock || lock.error().code() != ErrorCode::timed_out) return lock;
  return fail(Error(ErrorCode::invalid_state,
                    concat("start the shim of box ", in_quotes(config.box_id), ": one is running already")));
}

std::vector<std::string> environment(const ShimConfig& config) {
  const auto temporary_dir = (config.box_dir / temporary_dir_name).native();
  return {concat("BOXLITE_BOX_ID=", config.box_id), concat("TMPDIR=", temporary_dir),
          concat("TMP=", temporary_dir), concat("TEMP=", temporary_dir),
          "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
}

// A socket, not a pipe: a shim that dies at once gives EPIPE, never a SIGPIPE to the embedding program.
Result<void> write_config(int socket_fd, std::string_view text) {
  const auto deadline = Deadline::after(config_limit);
  while (!text.empty()) {
    pollfd entry{socket_fd, POLLOUT, 0};
    if (::poll(&entry, 1, deadline.poll_timeout_ms()) == 0) {
      return fail(ErrorCode::timed_out, "it does not read its config");
    }
    const auto count = ::send(socket_fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    if (count >= 0 || errno == EINTR || errno == EAGAIN) continue;
    if (errno == EPIPE) return fail(ErrorCode::unavailable, "it ended before it had its config");
    return fail(syscall_error("send", "config", errno));
  }
  return {};
}

// What the last shim left must not be taken for this one's.
Result<void> remove_old_records(const std::filesystem::path& box_dir) {
  for (const auto record : {shim_record_name, exit_record_name}) {
    if (::unlink((box_dir / record).c_str()) != 0 && errno != ENOENT) {
      return fail(syscall_error("unlink", (box_dir / record).native(), errno));
    }
  }
  return {};
}

}  // namespace

Result<ShimProcess> ShimProcess::spawn(const std::filesystem::path& program, const ShimConfig& config) {
  const auto lock = BOXLITE_TRY(take_lock(config));
  BOXLITE_TRY(remove_old_records(config.box_dir));
  BOXLITE_TRY(make_directories(config.box_dir / temporary_dir_name));
  linux_::SocketPair watchdog;
  if (!config.is_detached) watchdog = BOXLITE_TRY(linux_::unix_socket_pair());
  // Before the spawn, so that what the loader has to say is kept as well.
  const auto error_log =
      BOXLITE_TRY(open_file(config.box_dir / shim_stderr_name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND));
  const auto listener = BOXLITE_TRY(linux_::listen_unix(config.box_dir / agent_socket_name));
  auto input = BOXLITE_TRY(linux_::unix_socket_pair());
  linux_::ChildSpec child{.program = program,
                          .arguments = {config.box_dir.native()},  // read by people only
                          .environment = environment(config),
                          .fds = {{input.second.get(), 0},
                                  {error_log.get(), 2},
                                  {listener.get(), shim_listener_fd},
                                  {lock.fd(), shim_lock_fd}},
                          .working_dir = "/",
                          // The terminal is the caller's alone.
                          .group = linux_::ProcessGroup::session};
  if (!config.is_detached) child.fds.push_back({watchdog.second.get(), shim_watchdog_fd});
  auto process = BOXLITE_TRY_CONTEXT("start boxlite-shim", linux_::ChildProcess::spawn(child));
  input.second.reset();
  auto text = to_json(config);
  // There may be secrets in it.
  const ScopeExit wipe([&] { ::explicit_bzero(text.data(), text.size()); });
  BOXLITE_TRY_CONTEXT("start boxlite-shim", write_config(input.first.get(), text));
  // From here on the watchdog (or nobody, when detached) decides when it ends.
  process.detach();
  return ShimProcess(std::move(process), std::move(watchdog.first));
}

// Not closed: somebody may be watching it.
void ShimProcess::hang_up() {
  if (watchdog_.is_open()) (void)::shutdown(watchdog_.get(), SHUT_RDWR);
}

Result<linux_::ChildEnd> ShimProcess::wait(Deadline deadline) {
  if (child_) return child_->wait(deadline);
  BOXLITE_TRY(claimed_->wait(deadline));
  return linux_::ChildEnd{};
}

Result<ShimClaim> ShimClaim::begin(const std::filesystem::path& ready_dir) {
  const auto record = BOXLITE_TRY(read_shim_record(ready_dir));
  auto shim = BOXLITE_TRY(linux_::open_process(record.shim));
  const auto deadline = Deadline::after(greeting_limit);
  auto connection = BOXLITE_TRY(linux_::connect_unix(ready_dir / agent_socket_name, deadline));
  pollfd entry{connection.get(), POLLIN, 0};
  std::array<char, claim_greeting.size()> greeting{};
  if (::poll(&entry, 1, deadline.poll_timeout_ms()) != 1 ||
      ::recv(connection.get(), greeting.data(), greeting.size(), MSG_DONTWAIT) !=
          static_cast<ssize_t>(greeting.size()))
    return fail(ErrorCode::unavailable, "claim a machine: somebody else does");
  return ShimClaim(record.shim.pid, std::move(shim), std::move(connection));
}

Result<ShimProcess> ShimClaim::finish(const ShimConfig& config) && {
  linux_::SocketPair watchdog;
  auto text = to_json(config);
  const ScopeExit wipe([&] { ::explicit_bzero(text.data(), text.size()); });
  std::string_view rest = text;
  if (!config.is_detached) {
    watchdog = BOXLITE_TRY(linux_::unix_socket_pair());
    const std::array fds{watchdog.second.get()};
    rest.remove_prefix(
        BOXLITE_TRY(linux_::send_with_fds(connection_.get(), rest, fds, linux_::WhenFull::give_up)));
  }
  BOXLITE_TRY_CONTEXT("claim a machine", write_config(connection_.get(), rest));
  return ShimProcess(pid_, std::move(shim_), std::move(watchdog.first));
}

Result<bool> is_shim_alive(const std::filesystem::path& box_dir) {
  return linux_::FileLock::is_held(box_dir / shim_lock_name);
}

}  // namespace boxlite::shimlink
