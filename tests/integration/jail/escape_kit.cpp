// SPDX-License-Identifier: Apache-2.0
// A program in QEMU's place, taken over by its guest: it tries what would lead out of the box, and says what
// worked. Each attempt works for an ordinary program, or the test that runs the kit proves nothing.
//
// Descriptor 4, a socket, gives it its targets ("key=value" lines, an empty one at the end); what it finds
// goes to descriptor 1, "name ok" or "name <why not>" a line.
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

// Where things are: other_secret, other_socket, template, disk, base, share, tcp_port, abstract, victim (a
// process), victim_word (an address in it).
using Targets = std::map<std::string, std::string>;

pid_t victim(const Targets& at) {
  return std::stoi(at.at("victim"));
}

bool can_read(const std::string& path) {
  char byte = 0;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = file >= 0 && ::read(file, &byte, 1) == 1;
  const int reason = errno;
  if (file >= 0) ::close(file);
  errno = reason;
  return done;
}

bool can_open(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const int reason = errno;
  if (file >= 0) ::close(file);
  errno = reason;
  return file >= 0;
}

bool connect_to(const sockaddr* address, socklen_t size) {
  const int socket = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return socket >= 0 && ::connect(socket, address, size) == 0;
}

bool connect_to_unix(const std::string& name, bool is_abstract) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + (is_abstract ? 1 : 0), name.data(), name.size());
  return connect_to(reinterpret_cast<const sockaddr*>(&address),
                    static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1));
}

bool connect_by_tcp(const Targets& at) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(at.at("tcp_port"))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool type_into_terminal(const Targets&) {
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  return terminal >= 0 && ::ioctl(terminal, TIOCSTI, "x") == 0;
}

bool trace(const Targets& at) {
  if (::ptrace(PTRACE_SEIZE, victim(at), nullptr, nullptr) != 0) return false;
  ::ptrace(PTRACE_INTERRUPT, victim(at), nullptr, nullptr);
  ::waitpid(victim(at), nullptr, __WALL);
  ::ptrace(PTRACE_DETACH, victim(at), nullptr, nullptr);
  return true;
}

bool read_memory(const Targets& at) {
  char byte = 0;
  iovec ours{&byte, 1};
  iovec theirs{reinterpret_cast<void*>(std::stoull(at.at("victim_word"))), 1};
  return ::process_vm_readv(victim(at), &ours, 1, &theirs, 1, 0) == 1;
}

bool fork_off(const Targets&) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child > 0 && ::waitpid(child, nullptr, 0) == child;
}

// With their processes, so that the kit itself stays where it is.
bool clone_into(int flags) {
  const auto child =
      static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) ::_exit(0);
  return child > 0 && ::waitpid(child, nullptr, 0) == child;
}

bool use_ring(const Targets&) {
  io_uring_params parameters{};
  return ::syscall(SYS_io_uring_setup, 1, &parameters) >= 0;
}

bool watch_performance(const Targets&) {
  perf_event_attr event{};
  event.size = sizeof event;
  event.type = PERF_TYPE_SOFTWARE;
  event.exclude_kernel = 1;
  return ::syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) >= 0;
}

bool share_memory(const Targets&) {
  const int segment = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  if (segment < 0) return false;
  ::shmctl(segment, IPC_RMID, nullptr);
  return true;
}

bool make_set_user_id(const Targets& at) {
  const auto file = at.at("share") + "/program";
  return can_open(file, O_WRONLY | O_CREAT) && ::chmod(file.c_str(), 04755) == 0;
}

struct Attempt {
  const char* name;
  bool (*run)(const Targets&);
};

const Attempt attempts[] = {
    // What a machine needs, in any case.
    {"+read disk", [](const Targets& at) { return can_read(at.at("disk")); }},
    {"+write disk", [](const Targets& at) { return can_open(at.at("disk"), O_RDWR); }},
    {"+read base", [](const Targets& at) { return can_read(at.at("base")); }},
    {"make file in share",
     [](const Targets& at) { return can_open(at.at("share") + "/new", O_WRONLY | O_CREAT); }},
    {"chmod in share",
     [](const Targets& at) { return ::chmod((at.at("share") + "/new").c_str(), 0640) == 0; }},
    {"+random bytes", [](const Targets&) { return can_read("/dev/urandom"); }},
    // Files.
    {"read other secret", [](const Targets& at) { return can_read(at.at("other_secret")); }},
    {"read password file", [](const Targets&) { return can_read("/etc/passwd"); }},
    {"list home", [](const Targets& at) { return can_open(at.at("home"), O_RDONLY | O_DIRECTORY); }},
    {"read by way of share",
     [](const Targets& at) { return can_read(at.at("share") + "/../../other/secrets"); }},
    {"write template", [](const Targets& at) { return can_open(at.at("template"), O_WRONLY); }},
    {"write base", [](const Targets& at) { return can_open(at.at("base"), O_WRONLY); }},
    {"make file in home",
     [](const Targets& at) { return can_open(at.at("home") + "/new", O_WRONLY | O_CREAT); }},
    {"write shared memory",
     [](const Targets&) { return can_open("/dev/shm/boxlite-escape", O_WRONLY | O_CREAT); }},
    {"chmod template", [](const Targets& at) { return ::chmod(at.at("template").c_str(), 0644) == 0; }},
    {"chown template",
     [](const Targets& at) { return ::chown(at.at("template").c_str(), ::getuid(), -1u) == 0; }},
    {"touch template",
     [](const Targets& at) { return ::utimensat(AT_FDCWD, at.at("template").c_str(), nullptr, 0) == 0; }},
    {"?label template",
     [](const Targets& at) { return ::setxattr(at.at("template").c_str(), "user.x", "y", 1, 0) == 0; }},
    {"set-user-id in share", make_set_user_id},
    // Other processes.
    {"signal", [](const Targets& at) { return ::kill(victim(at), SIGCONT) == 0; }},
    {"signal thread",
     [](const Targets& at) { return ::syscall(SYS_tgkill, victim(at), victim(at), SIGCONT) == 0; }},
    {"?trace", trace},
    {"?read memory", read_memory},
    {"read environment", [](const Targets& at) { return can_read("/proc/" + at.at("victim") + "/environ"); }},
    {"open process", [](const Targets& at) { return ::syscall(SYS_pidfd_open, victim(at), 0) >= 0; }},
    {"unlock", [](const Targets&) { return ::flock(1, LOCK_UN) == 0; }},
    {"signal by descriptor", [](const Targets& at) { return ::fcntl(1, F_SETOWN, victim(at)) == 0; }},
    {"watch files",
     [](const Targets&) { return ::inotify_add_watch(::inotify_init1(0), "/etc", IN_OPEN) >= 0; }},
    {"outlive", [](const Targets&) { return ::prctl(PR_SET_PDEATHSIG, 0) == 0; }},
    {"fork", fork_off},
    {"clone in new user namespace", [](const Targets&) { return clone_into(CLONE_NEWUSER); }},
    {"share memory", share_memory},
    // Deputies.
    {"connect to other box", [](const Targets& at) { return connect_to_unix(at.at("other_socket"), false); }},
    {"connect to abstract socket",
     [](const Targets& at) { return connect_to_unix(at.at("abstract"), true); }},
    {"connect by TCP", connect_by_tcp},
    {"open terminal", [](const Targets&) { return can_open("/dev/tty", O_RDONLY | O_NOCTTY); }},
    {"?type into terminal", type_into_terminal},
    // The kernel.
    {"unshare files", [](const Targets&) { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"?mount",
     [](const Targets& at) { return ::mount("x", at.at("share").c_str(), "tmpfs", 0, nullptr) == 0; }},
    {"?ring", use_ring},
    {"?performance", watch_performance},
    {"?keys",
     [](const Targets&) {
       return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) >= 0;
     }},
    {"?page faults", [](const Targets&) { return ::syscall(SYS_userfaultfd, O_CLOEXEC | 1) >= 0; }},
};

Targets read_targets() {
  std::string text;
  char byte = 0;
  while (!text.ends_with("\n\n") && ::read(4, &byte, 1) == 1) text += byte;
  Targets targets;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const auto equals = text.find('=', at);
    if (equals < end) targets[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  return targets;
}

void tell(const char* name, bool done) {
  const std::string line =
      std::string(name) + (done ? " ok" : std::string(" ") + std::strerror(errno)) + "\n";
  (void)!::write(1, line.data(), line.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "again") == 0) {
    tell("start program", true);
    return 0;
  }
  const auto targets = read_targets();
  for (const auto& attempt : attempts) {
    errno = 0;
    tell(attempt.name, attempt.run(targets));
  }
  // Last, since this program ends with it.
  ::execl(argv[0], argv[0], "again", nullptr);
  tell("start program", false);
  return 0;
}
