// SPDX-License-Identifier: Apache-2.0
#include "agent/container.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/console.h"
#include "agent/container_init.h"
#include "agent/machine.h"
#include "base/concat.h"
#include "base/files.h"
#include "linux/clone3.h"
#include "linux/mounts.h"
#include "linux/pidfd.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t error_text_limit = 4096;
constexpr std::size_t read_ahead_limit = 16u << 20;

Result<int> rlimit_number(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 16> names{{
      {"RLIMIT_AS", RLIMIT_AS},
      {"RLIMIT_CORE", RLIMIT_CORE},
      {"RLIMIT_CPU", RLIMIT_CPU},
      {"RLIMIT_DATA", RLIMIT_DATA},
      {"RLIMIT_FSIZE", RLIMIT_FSIZE},
      {"RLIMIT_LOCKS", RLIMIT_LOCKS},
      {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
      {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
      {"RLIMIT_NICE", RLIMIT_NICE},
      {"RLIMIT_NOFILE", RLIMIT_NOFILE},
      {"RLIMIT_NPROC", RLIMIT_NPROC},
      {"RLIMIT_RSS", RLIMIT_RSS},
      {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
      {"RLIMIT_RTTIME", RLIMIT_RTTIME},
      {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
      {"RLIMIT_STACK", RLIMIT_STACK},
  }};
  const auto* const found = std::ranges::find(names, name, &std::pair<std::string_view, int>::first);
  if (found == names.end())
    return fail(ErrorCode::invalid_argument, concat("no resource limit ", in_quotes(name)));
  return found->second;
}

// The first process reports nothing when all went well, else the text of its error.
Result<void> await_init(UniqueFd report) {
  std::string text;
  std::array<char, 512> buffer;
  while (text.size() < error_text_limit) {
    const auto count = ::read(report.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (text == init_is_ready) return {};
  if (text.empty()) text = "the container's first process ended early";
  return fail(ErrorCode::internal, std::move(text));
}

// The cgroups of the container: "box" is what it sees as the root of all, "box/init" holds its first process.
Result<linux_::Cgroup> make_cgroups() {
  const auto machine = BOXLITE_TRY(linux_::Cgroup::open("/sys/fs/cgroup"));
  // A kernel without one of them still runs boxes.
  if (const auto done = machine.enable_controllers({"memory", "cpu", "pids", "io"}); !done) {
    log_line(done.error().message());
  }
  return machine.make_child("box");
}

}  // namespace

Result<ContainerDefaults> check_container_spec(const wire::msg::ContainerSpec& spec, std::string hostname) {
  ContainerDefaults defaults;
  defaults.env.assign(spec.env().begin(), spec.env().end());
  defaults.working_dir = spec.working_dir().empty() ? "/" : spec.working_dir();
  defaults.user = spec.user();
  defaults.hostname = std::move(hostname);
  for (const auto& name : spec.capabilities()) {
    const auto number = linux_::capability_number(name);
    if (!number) return fail(ErrorCode::invalid_argument, concat("no capability ", in_quotes(name)));
    defaults.capabilities |= linux_::CapabilitySet{1} << *number;
  }
  if (spec.privileged() && spec.capabilities().empty()) defaults.capabilities = linux_::all_capabilities;
  const rlimit many_files{1u << 20, 1u << 20};
  defaults.rlimits.emplace_back(RLIMIT_NOFILE, many_files);
  for (const auto& limit : spec.rlimits()) {
    const int number = BOXLITE_TRY(rlimit_number(limit.name()));
    defaults.rlimits.emplace_back(number, rlimit{limit.soft(), limit.hard()});
  }
  return defaults;
}

Result<std::unique_ptr<Container>> Container::start(const wire::msg::ContainerSpec& spec,
                                                    ContainerDefaults defaults) {
  auto cgroup = BOXLITE_TRY_CONTEXT("make cgroups", make_cgroups());
  const auto init_cgroup = BOXLITE_TRY(cgroup.make_child("init"));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "", errno));
  UniqueFd report_reader(ends[0]);
  UniqueFd report_writer(ends[1]);
  auto child =
      BOXLITE_TRY(linux_::clone_copy(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC, cgroup.fd()));
  if (child.pid == 0) run_container_init(spec, init_cgroup, std::move(report_writer));
  report_writer.reset();
  BOXLITE_TRY_CONTEXT("prepare container", await_init(std::move(report_reader)));
  if (const auto done = cgroup.enable_controllers({"memory", "cpu", "pids", "io"}); !done) {
    log_line(done.error().message());
  }
  limit_container(cgroup, limits_for(machine_memory_bytes()));
  // The pid namespace is for our children, not for us; the other one, so that the box's name can still be
  // set.
  if (::setns(child.pidfd.get(), CLONE_NEWPID | CLONE_NEWUTS) != 0)
    return fail(syscall_error("setns", "pid, uts", errno));
  auto root = BOXLITE_TRY(open_file(concat("/proc/", child.pid, "/root"), O_PATH | O_DIRECTORY));
  auto devpts = BOXLITE_TRY(linux_::open_in_root(root.get(), "dev/pts", O_PATH | O_DIRECTORY));
  return std::unique_ptr<Container>(new Container(
      std::move(defaults), std::move(cgroup), std::move(child.pidfd), std::move(root), std::move(devpts)));
}

Container::Container(ContainerDefaults defaults, linux_::Cgroup cgroup, UniqueFd init_pidfd, UniqueFd root,
                     UniqueFd devpts)
    : defaults_(std::move(defaults)),
      cgroup_(std::move(cgroup)),
      init_pidfd_(std::move(init_pidfd)),
      root_(std::move(root)),
      devpts_(std::move(devpts)) {}

std::string Container::read_file(const std::string& path, std::size_t limit) const {
  // O_NONBLOCK: the image may have put a fifo there.
  const auto file = linux_::open_in_root(root_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status = {};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) > limit) return {};
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t got = 0;
  while (got < content.size()) {
    const auto count = ::read(file->get(), content.data() + got, content.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  content.resize(got);
  return content;
}

void Container::read_ahead(const std::string& path) const {
  const auto file = linux_::open_in_root(root_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status = {};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  std::vector<char> buffer(64u << 10);
  for (std::size_t total = 0; total < read_ahead_limit;) {
    const auto count = ::read(file->get(), buffer.data(), buffer.size());
    if (count <= 0) return;
    total += static_cast<std::size_t>(count);
  }
}

Result<std::pair<UniqueFd, UniqueFd>> Container::open_terminal() const {
  UniqueFd master(::openat(devpts_.get(), "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!master.is_open()) return fail(syscall_error("open", "/dev/pts/ptmx", errno));
  const int unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0)
    return fail(syscall_error("ioctl", "TIOCSPTLCK", errno));
  // By the master, not by a path that the container could have replaced.
  UniqueFd slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave.is_open()) return fail(syscall_error("ioctl", "TIOCGPTPEER", errno));
  return std::pair(std::move(master), std::move(slave));
}

void Container::kill() const {
  if (const auto done = cgroup_.kill_all(); !done) (void)linux_::send_signal(init_pidfd_.get(), SIGKILL);
}

bool Container::has_ended() const {
  pollfd entry{init_pidfd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

void Container::release() {
  (void)linux_::reap(init_pidfd_.get());
  root_.reset();
  devpts_.reset();
}

}  // namespace boxlite::agent
