// SPDX-License-Identifier: Apache-2.0
// Runs the escape kit as an ordinary program, where all that it tries has to work, and in QEMU's place,
// however a machine starts, where nothing may.
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/qemu/argv.h"
#include "engine/qemu/qemu_engine.h"
#include "jail/file_confinement.h"
#include "jail/namespaces.h"
#include "linux/process/child_process.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::engine {
namespace {

using namespace std::chrono_literals;
using Findings = std::map<std::string, std::string>;

// A process of the user that has nothing to do with the machine, and lets itself be traced.
class Victim {
 public:
  Victim() : word_(42), pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    while (true) ::pause();
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  std::uintptr_t word() const { return reinterpret_cast<std::uintptr_t>(&word_); }

 private:
  int word_;
  pid_t pid_;
};

UniqueFd listen_by_tcp(std::uint16_t& port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(socket.get(), 8), 0);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return socket;
}

UniqueFd listen_abstractly(const std::string& name) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(socket.get(), 8), 0);
  return socket;
}

Findings parse(const std::string& text) {
  Findings findings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto ok = line.ends_with(" ok");
    findings[ok ? line.substr(0, line.size() - 3) : line] = ok ? "ok" : "";
  }
  return findings;
}

class EscapeTest : public testing::Test {
 protected:
  EscapeTest() : dir_(*TempDir::create("/tmp", "escape-")) {
    for (const auto* directory : {"own/share", "other"}) EXPECT_TRUE(make_directories(path(directory)));
    for (const auto* file : {"other/secrets", "template", "base", "own/disk", "state"})
      EXPECT_TRUE(write_file_atomic(path(file), "bytes"));
    listeners_.push_back(*linux_::listen_unix(path("other/agent.sock")));
    listeners_.push_back(listen_by_tcp(tcp_port_));
    listeners_.push_back(listen_abstractly(abstract()));
  }

  std::filesystem::path path(std::string_view name) const { return dir_.path() / name; }
  std::string abstract() const { return dir_.path().filename(); }

  std::string targets() const {
    return concat("home=", dir_.path().native(), "\nother_secret=", path("other/secrets").native(),
                  "\nother_socket=", path("other/agent.sock").native(),
                  "\ntemplate=", path("template").native(), "\ndisk=", path("own/disk").native(),
                  "\nbase=", path("base").native(), "\nshare=", path("own/share").native(),
                  "\ntcp_port=", tcp_port_, "\nabstract=", abstract(), "\nvictim=", victim_.pid(),
                  "\nvictim_word=", victim_.word(), "\n\n");
  }

  MachineSpec machine() const {
    return {.kernel = path("base"),
            .initramfs = path("base"),
            .disks = {{.path = path("own/disk"), .format = DiskFormat::raw, .base = path("base")}}};
  }

  // In a process of its own, with a terminal and what else the shim has.
  std::string report(const std::function<void(int output)>& body) {
    const auto file = path("report");
    const auto output = open_file(file, O_RDWR | O_CREAT | O_TRUNC);
    int master = -1;
    const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
    if (child == 0) {
      body(output->get());
      ::_exit(0);
    }
    const UniqueFd terminal(master);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    ::unlink("/dev/shm/boxlite-escape");
    return *read_file(file);
  }

  Findings unconfined() {
    return parse(report([this](int output) {
      auto port = linux_::unix_socket_pair();
      auto child = linux_::ChildProcess::spawn(
          {.program = ESCAPE_KIT, .fds = {{output, 1}, {port->second.get(), qemu::agent_port_fd}}});
      (void)write_all(port->first.get(), targets(), "port");
      if (child) (void)child->wait(Deadline::after(30s));
    }));
  }

  Findings confined(const MachineSpec& spec, const std::optional<Snapshot>& from = std::nullopt) {
    return parse(report([&](int output) {
      (void)jail::enter_own_namespaces();
      auto port = linux_::unix_socket_pair();
      qemu::QemuEngine engine(ESCAPE_KIT, ESCAPE_KIT);
      auto machine = engine.launch(spec, from,
                                   {.agent_port = std::move(port->second),
                                    .console = UniqueFd(::dup(port->first.get())),
                                    .folders = UniqueFd(::dup(port->first.get())),
                                    .link = UniqueFd(::dup(port->first.get())),
                                    .error_log = UniqueFd(::dup(output))});
      if (!machine) return (void)write_all(output, machine.error().message(), "report");
      (void)write_all(port->first.get(), targets(), "port");
      (void)(*machine)->wait(Deadline::after(30s));
    }));
  }

  TempDir dir_;
  Victim victim_;
  std::uint16_t tcp_port_ = 0;
  std::vector<UniqueFd> listeners_;
};

// A name begins with + where the machine needs it, with ? where a host may refuse it to everybody.
void expect_confined(const Findings& findings) {
  EXPECT_GT(findings.size(), 35u);
  for (const auto& [name, outcome] : findings) {
    const bool is_needed = name.starts_with('+');
    EXPECT_EQ(outcome == "ok", is_needed) << name << (is_needed ? " failed" : " worked");
  }
}

TEST_F(EscapeTest, AnOrdinaryProgramGetsOut) {
  const auto findings = unconfined();
  EXPECT_GT(findings.size(), 35u);
  for (const auto& [name, outcome] : findings)
    EXPECT_TRUE(outcome == "ok" || name.starts_with('?')) << name << ": else the other tests prove nothing";
}

TEST_F(EscapeTest, AMachineThatBootsDoesNot) {
  ASSERT_TRUE(jail::can_confine_files()) << "this kernel has no Landlock";
  expect_confined(confined(machine()));
}

TEST_F(EscapeTest, AMachineThatGoesOnFromASavedOneDoesNot) {
  ASSERT_TRUE(jail::can_confine_files()) << "this kernel has no Landlock";
  expect_confined(confined(machine(), Snapshot{.memory = path("template"), .state = path("state")}));
}

TEST_F(EscapeTest, AMachineThatIsSavedDoesNot) {
  ASSERT_TRUE(jail::can_confine_files()) << "this kernel has no Landlock";
  auto spec = machine();
  spec.memory_file = path("memory");
  expect_confined(confined(spec));
}

}  // namespace
}  // namespace boxlite::engine
