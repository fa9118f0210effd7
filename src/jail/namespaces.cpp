// SPDX-License-Identifier: Apache-2.0
#include "jail/namespaces.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/process/capabilities.h"

namespace boxlite::jail {
namespace {

constexpr std::string_view remedy =
    "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0 and user.max_user_namespaces above 0; in a container, "
    "allow unshare(2) and mount(2) in its seccomp profile";

Error unsupported(std::string_view call, int os_error) {
  const auto error = syscall_error(call, "own namespaces", os_error);
  return Error(ErrorCode::unsupported, error.message(), os_error).with_remedy(remedy);
}

Result<void> write_map(const std::string& path, std::string_view text) {
  const auto file = BOXLITE_TRY(open_file(path, O_WRONLY));
  return write_all(file.get(), text, path);
}

// The maps of real root can only be written from outside, by a process that is still real root: a fork that
// waits for the moment.
class MapWriter {
 public:
  static Result<MapWriter> fork_off() {
    const auto uids = identity_map(BOXLITE_TRY(read_file("/proc/self/uid_map")));
    const auto gids = identity_map(BOXLITE_TRY(read_file("/proc/self/gid_map")));
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "", errno));
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const auto process = concat("/proc/", ::getpid());
    const pid_t child = ::fork();
    if (child < 0) return fail(syscall_error("fork", "", errno));
    if (child == 0) {
      writer.reset();
      char go = 0;
      const bool is_wanted = ::read(reader.get(), &go, 1) == 1;
      const bool done = is_wanted && write_map(concat(process, "/uid_map"), uids) &&
                        write_map(concat(process, "/gid_map"), gids);
      ::_exit(done ? 0 : 1);
    }
    return MapWriter(child, std::move(writer));
  }
  MapWriter(MapWriter&& other) noexcept
      : child_(std::exchange(other.child_, 0)), writer_(std::move(other.writer_)) {}
  MapWriter& operator=(MapWriter&&) = delete;
  ~MapWriter() { (void)end(); }

  Result<void> write() {
    (void)write_all(writer_.get(), "x", "pipe");
    if (end()) return {};
    return fail(Error(ErrorCode::unsupported, "write the id maps of the own namespaces: not permitted")
                    .with_remedy(remedy));
  }

 private:
  MapWriter(pid_t child, UniqueFd writer) : child_(child), writer_(std::move(writer)) {}
  bool end() {
    writer_.reset();
    int status = 1;
    if (child_ > 0) {
      while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
      }
    }
    child_ = 0;
    return status == 0;
  }

  pid_t child_;
  UniqueFd writer_;
};

Result<void> enter_as_real_root() {
  auto maps = BOXLITE_TRY(MapWriter::fork_off());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return fail(unsupported("unshare", errno));
  return maps.write();
}

Result<void> enter_as_user(uid_t uid, gid_t gid) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return fail(unsupported("unshare", errno));
  // The kernel's condition for a gid map that an ordinary user writes.
  auto written = write_map("/proc/self/setgroups", "deny");
  if (written) written = write_map("/proc/self/uid_map", concat("0 ", uid, " 1\n"));
  if (written) written = write_map("/proc/self/gid_map", concat("0 ", gid, " 1\n"));
  if (!written) return fail(unsupported("map the user in", written.error().os_error()));
  return {};
}

bool may_map_everybody() {
  constexpr auto setgid = linux_::CapabilitySet{1} << 6;
  constexpr auto setuid = linux_::CapabilitySet{1} << 7;
  return ::geteuid() == 0 && (linux_::effective_capabilities() & (setuid | setgid)) == (setuid | setgid);
}

}  // namespace

std::string identity_map(std::string_view map) {
  std::string lines;
  while (!map.empty()) {
    const auto line = map.substr(0, map.find('\n'));
    map.remove_prefix(std::min(map.size(), line.size() + 1));
    std::array<std::uint64_t, 3> numbers{};
    const char* at = line.data();
    const char* const end = at + line.size();
    for (auto& number : numbers) {
      while (at != end && *at == ' ') ++at;
      at = std::from_chars(at, end, number).ptr;
    }
    if (numbers[2] != 0) lines += concat(numbers[0], " ", numbers[0], " ", numbers[2], "\n");
  }
  return lines;
}

Result<void> enter_own_namespaces() {
  const auto uid = ::geteuid();
  const auto gid = ::getegid();
  auto entered = may_map_everybody() ? enter_as_real_root() : enter_as_user(uid, gid);
  if (!entered) return entered;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return fail(unsupported("mount", errno));
  }
  return {};
}

void hide_process() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace boxlite::jail
