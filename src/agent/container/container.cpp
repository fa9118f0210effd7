// SPDX-License-Identifier: Apache-2.0
#include "agent/container/container.h"

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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/container/first_process.h"
#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "base/concat.h"
#include "base/files.h"
#include "linux/files/mounts.h"
#include "linux/process/clone3.h"
#include "linux/process/pidfd.h"

namespace boxlite::agent {
namespace {

constexpr const char* main_cgroup_name = "main";
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
Result<void> await_preparation(UniqueFd report) {
  std::string text;
  std::array<char, 512> buffer;
  while (text.size() < error_text_limit) {
    const auto count = ::read(report.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (text == first_process_is_ready) return {};
  if (text.empty()) text = "the container's first process ended early";
  return fail(ErrorCode::internal, std::move(text));
}

// The ends of the way that orders take.
struct OrdersPair {
  UniqueFd giver;
  UniqueFd taker;
};

Result<OrdersPair> make_orders() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(syscall_error("socketpair", "", errno));
  return OrdersPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<FirstProcess> start_first_process(const wire::msg::ContainerSpec& spec, const linux_::Cgroup& cgroup,
                                         const linux_::Cgroup& main_cgroup) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(syscall_error("pipe2", "", errno));
  UniqueFd report_reader(ends[0]);
  UniqueFd report_writer(ends[1]);
  auto orders = BOXLITE_TRY(make_orders());
  auto child =
      BOXLITE_TRY(linux_::clone_copy(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC, cgroup.fd()));
  if (child.pid == 0) run_first_process(spec, main_cgroup, std::move(report_writer), std::move(orders.taker));
  report_writer.reset();
  orders.taker.reset();
  BOXLITE_TRY_CONTEXT("prepare container", await_preparation(std::move(report_reader)));
  return FirstProcess{child.pid, std::move(child.pidfd), std::move(orders.giver)};
}

// What the container sees as the root of all.
Result<linux_::Cgroup> make_cgroup() {
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
  auto cgroup = BOXLITE_TRY_CONTEXT("make cgroup", make_cgroup());
  auto main_cgroup = BOXLITE_TRY(cgroup.make_child(main_cgroup_name));
  auto first = BOXLITE_TRY(start_first_process(spec, cgroup, main_cgroup));
  if (const auto done = cgroup.enable_controllers({"memory", "cpu", "pids", "io"}); !done) {
    log_line(done.error().message());
  }
  const auto limits = limits_for(machine_memory_bytes());
  limit_container(cgroup, limits);
  limit_command(main_cgroup, limits);
  // The pid namespace is for our children, not for us; the host name's, so that the box's can still be set;
  // the others spare every command the entering.
  constexpr int namespaces = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  if (::setns(first.pidfd.get(), namespaces) != 0)
    return fail(syscall_error("setns", "pid, uts, ipc, cgroup", errno));
  std::unique_ptr<Container> container(
      new Container(std::move(defaults), std::move(cgroup), std::move(main_cgroup), std::move(first)));
  BOXLITE_TRY(container->open_places());
  return container;
}

Container::Container(ContainerDefaults defaults, linux_::Cgroup cgroup, linux_::Cgroup main_cgroup,
                     FirstProcess first)
    : defaults_(std::move(defaults)),
      cgroup_(std::move(cgroup)),
      first_pid_(first.pid),
      first_pidfd_(::fcntl(first.pidfd.get(), F_DUPFD_CLOEXEC, 3)),
      preparing_cpu_ns_(main_cgroup.usage().cpu_ns) {
  first_.emplace(std::move(first), CommandCgroup{main_cgroup_name, std::move(main_cgroup)});
}

// By way of the first process, before anything of the image runs.
Result<void> Container::open_places() {
  const auto process = concat("/proc/", first_pid_);
  mount_namespace_ = BOXLITE_TRY(open_file(process + "/ns/mnt", O_RDONLY));
  root_ = BOXLITE_TRY(open_file(process + "/root", O_PATH | O_DIRECTORY));
  devpts_ = BOXLITE_TRY(linux_::open_in_root(root_.get(), "dev/pts", O_PATH | O_DIRECTORY));
  return {};
}

Result<std::pair<FirstProcess, CommandCgroup>> Container::take_first_process() {
  if (!first_) return fail(ErrorCode::invalid_state, "start main command: the box has one already");
  auto taken = std::move(*first_);
  first_.reset();
  return taken;
}

Result<FirstProcess> Container::start_understudy(const linux_::Cgroup& cgroup) const {
  auto orders = BOXLITE_TRY(make_orders());
  // Pid namespaces are made below the caller's own only, and our children are born in the container's.
  const auto own = BOXLITE_TRY(open_file("/proc/self/ns/pid", O_RDONLY));
  if (::setns(own.get(), CLONE_NEWPID) != 0) return fail(syscall_error("setns", "own pid namespace", errno));
  auto cloned = linux_::clone_copy(CLONE_NEWPID, cgroup.fd());
  if (cloned && cloned->pid == 0) run_understudy(mount_namespace(), std::move(orders.taker));
  if (::setns(first_pidfd_.get(), CLONE_NEWPID) != 0) return fail(syscall_error("setns", "pid", errno));
  auto child = BOXLITE_TRY(std::move(cloned));
  orders.taker.reset();
  return FirstProcess{child.pid, std::move(child.pidfd), std::move(orders.giver)};
}

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
  if (const auto done = cgroup_.kill_all(); !done) (void)linux_::send_signal(first_pidfd_.get(), SIGKILL);
}

bool Container::has_ended() const {
  pollfd entry{first_pidfd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool Container::is_ending() const {
  std::array<char, 1> target{};
  return ::readlink(concat("/proc/", first_pid_, "/exe").c_str(), target.data(), target.size()) < 0;
}

void Container::release() {
  (void)linux_::reap(first_pidfd_.get());
  mount_namespace_.reset();
  root_.reset();
  devpts_.reset();
}

Error main_has_ended() {
  return Error(ErrorCode::invalid_state, "the box is stopping: its main command has ended")
      .with_remedy("give the box a command that stays, such as `sleep infinity`");
}

}  // namespace boxlite::agent
