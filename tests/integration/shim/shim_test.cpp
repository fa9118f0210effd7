// SPDX-License-Identifier: Apache-2.0
// The shim with real parts: QEMU, the guest kernel, the agent.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "agentlink/connection.h"
#include "base/concat.h"
#include "base/files.h"
#include "engine/host_check.h"
#include "linux/process/child_process.h"
#include "linux/process/process_identity.h"
#include "linux/test_loop_thread.h"
#include "shimlink/shim_process.h"
#include "shimlink/shim_record.h"

namespace boxlite {
namespace {

namespace fs = std::filesystem;
using agentlink::Connection;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Emulated machines on a busy host.
constexpr auto patience = seconds(150);

Deadline eventually() {
  return Deadline::after(patience);
}

fs::path runtime_dir() {
  const char* variable = std::getenv("BOXLITE_RUNTIME_DIR");
  return variable != nullptr ? variable : DEFAULT_RUNTIME_DIR;
}

void run_tool(std::vector<std::string> arguments) {
  const auto program = linux_::find_program(arguments.front());
  ASSERT_TRUE(program) << program.error().message();
  arguments.erase(arguments.begin());
  const auto run = linux_::run_and_capture(
      {.program = *program, .arguments = arguments, .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}},
      eventually());
  ASSERT_TRUE(run) << run.error().message();
  ASSERT_EQ(run->end, linux_::ChildEnd{}) << run->output;
}

class ShimTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto choice = engine::choose_engine({});
    if (!choice) GTEST_SKIP() << choice.error().message();
    choice_ = *choice;
    if (!fs::exists(runtime_dir() / "vmlinux")) GTEST_SKIP() << "no kernel in " << runtime_dir();
    auto dir = TempDir::create("/tmp", "shim-");
    ASSERT_TRUE(dir) << dir.error().message();
    dir_.emplace(std::move(*dir));
  }

  void TearDown() override {
    if (!dir_) return;
    // Whatever a test did, nothing of it lives on.
    const auto alive = shimlink::is_shim_alive(dir_->path());
    if (!alive || !*alive) return;
    if (const auto record = shimlink::read_shim_record(dir_->path())) {
      if (linux_::is_running(record->shim)) ::kill(record->shim.pid, SIGKILL);
    }
    EXPECT_TRUE(wait_until([&] { return !*shimlink::is_shim_alive(dir_->path()); }))
        << "something still runs";
  }

  // A root disk with a static busybox.
  void make_root() {
    const auto root = dir_->path() / "root";
    for (const auto* directory : {"bin", "dev", "proc", "sys", "tmp", "etc", "run"})
      fs::create_directories(root / directory);
    fs::copy_file("/bin/busybox", root / "bin/busybox");
    for (const auto* applet : {"sh", "cat", "echo", "sleep", "uname", "sync", "head", "yes"}) {
      fs::create_symlink("busybox", root / "bin" / applet);
    }
    run_tool(
        {"mke2fs", "-q", "-t", "ext4", "-d", root.native(), (dir_->path() / "disk.raw").native(), "64M"});
  }

  shimlink::ShimConfig config() {
    shimlink::ShimConfig config;
    config.box_id = "shimtest";
    config.home = dir_->path() / "home";
    fs::create_directories(config.home);
    config.box_dir = dir_->path();
    config.engine = choice_.engine;
    config.machine.kernel = runtime_dir() / "vmlinux";
    config.machine.initramfs = runtime_dir() / "initramfs.cpio";
    config.machine.accelerator = choice_.accelerator;
    config.machine.tsc_khz = choice_.tsc_khz;
    config.machine.memory_mib = 256;
    config.machine.disks = {{.path = dir_->path() / "disk.raw", .format = engine::DiskFormat::raw}};
    wire::msg::ConfigureRequest configure;
    configure.set_hostname("box");
    config.configure_request = configure.SerializeAsString();
    wire::msg::StartContainerRequest start;
    start.mutable_container()->set_root_device("/dev/vda");
    start.mutable_container()->add_env("PATH=/bin");
    config.start_container_request = start.SerializeAsString();
    return config;
  }

  // With a guest that boots but has no agent.
  shimlink::ShimConfig config_without_agent() {
    auto result = config();
    result.machine.initramfs = dir_->path() / "silent.cpio";
    result.machine.disks.clear();
    // busybox as /init waits for a terminal and answers nobody.
    run_tool({SOURCE_DIR "/guest/make-initramfs.sh", "/bin/busybox", result.machine.initramfs.native()});
    return result;
  }

  shimlink::ShimProcess spawn(const shimlink::ShimConfig& shim_config) {
    auto shim = shimlink::ShimProcess::spawn(SHIM_PROGRAM, shim_config);
    if (!shim) throw std::runtime_error(shim.error().message());
    return std::move(*shim);
  }

  std::shared_ptr<Connection> connect() {
    auto connection =
        Connection::connect(thread_.loop(), dir_->path() / shimlink::agent_socket_name, eventually());
    if (!connection) throw std::runtime_error(connection.error().message());
    return std::move(*connection);
  }

  void await_ready(Connection& connection) {
    const auto ready = connection.call<wire::ShimWaitReady>({}, eventually());
    ASSERT_TRUE(ready) << ready.error().message();
  }

  shimlink::ExitRecord exit_record() {
    const auto record = shimlink::read_exit_record(dir_->path());
    if (!record) {
      ADD_FAILURE() << record.error().message();
      return {};
    }
    return *record;
  }

  // For what has no event to wait on: other processes' locks.
  template <typename Condition>
  static bool wait_until(Condition condition) {
    const auto deadline = Deadline::after(seconds(20));
    while (!condition()) {
      if (deadline.has_passed()) return false;
      ::poll(nullptr, 0, 5);
    }
    return true;
  }

  bool has_agent() const { return fs::exists(runtime_dir() / "initramfs.cpio"); }

  engine::EngineChoice choice_;
  std::optional<TempDir> dir_;
  linux_::LoopThread thread_;
};

struct Ran {
  std::string output;
  wire::msg::ExecResult result;
};

Result<Ran> run(Connection& connection, std::vector<std::string> args, bool is_main = false) {
  wire::msg::ExecRequest request;
  request.set_id(concat("exec", ::getpid(), "-", std::rand()));
  for (auto& argument : args) request.add_args(std::move(argument));
  request.set_is_main(is_main);
  auto stream = BOXLITE_TRY(connection.open<wire::ExecStart>(request));
  Ran ran;
  while (const auto message = BOXLITE_TRY(stream.read(eventually()))) ran.output += message->stdout();
  ran.result = BOXLITE_TRY(stream.result(eventually()));
  return ran;
}

TEST_F(ShimTest, ReportsAMissingQemu) {
  auto broken = config();
  broken.engine.program = "/no/such/qemu";
  auto shim = spawn(broken);
  const auto connection = connect();
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_FALSE(ready);
  EXPECT_NE(ready.error().message().find("/no/such/qemu"), std::string::npos) << ready.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().reason, shimlink::ExitReason::boot_failed);
  EXPECT_FALSE(*shimlink::is_shim_alive(dir_->path()));
}

TEST_F(ShimTest, ReportsWhatQemuComplainsAbout) {
  auto broken = config_without_agent();
  broken.machine.disks = {{.path = dir_->path() / "no-such-disk", .format = engine::DiskFormat::raw}};
  auto shim = spawn(broken);
  const auto connection = connect();
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_FALSE(ready);
  EXPECT_NE(ready.error().message().find("no-such-disk"), std::string::npos) << ready.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  const auto record = exit_record();
  EXPECT_EQ(record.reason, shimlink::ExitReason::boot_failed);
  EXPECT_NE(record.message.find("no-such-disk"), std::string::npos) << record.message;
}

TEST_F(ShimTest, ShowsTheConsoleOfAKernelThatPanics) {
  auto broken = config_without_agent();
  broken.machine.kernel_arguments = "rdinit=/no/such/init root=/dev/none";
  auto shim = spawn(broken);
  const auto connection = connect();
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_FALSE(ready);
  EXPECT_NE(ready.error().message().find("panic"), std::string::npos) << ready.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  const auto record = exit_record();
  EXPECT_EQ(record.reason, shimlink::ExitReason::boot_failed);
  EXPECT_EQ(record.phase, "boot");
  EXPECT_NE(record.message.find("the guest's kernel panicked"), std::string::npos) << record.message;
  EXPECT_NE(record.console_tail.find("panic"), std::string::npos);
}

TEST_F(ShimTest, GivesUpOnAGuestThatDoesNotAnswer) {
  auto silent = config_without_agent();
  silent.boot_timeout = seconds(3);
  auto shim = spawn(silent);
  const auto connection = connect();
  const auto began = std::chrono::steady_clock::now();
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code(), ErrorCode::timed_out);
  EXPECT_NE(ready.error().message().find("phase boot: no answer within 3000 ms"), std::string::npos)
      << ready.error().message();
  EXPECT_FALSE(ready.error().remedy().empty());
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(30));
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().phase, "boot");
}

TEST_F(ShimTest, EndsWhenItsParentHangsUp) {
  auto shim = spawn(config_without_agent());
  shim.hang_up();
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().reason, shimlink::ExitReason::stopped);
  EXPECT_FALSE(*shimlink::is_shim_alive(dir_->path()));
}

TEST_F(ShimTest, TakesQemuAlongWhenItIsKilled) {
  auto shim = spawn(config_without_agent());
  ASSERT_TRUE(wait_until([&] { return shimlink::read_shim_record(dir_->path()).has_value(); }));
  const auto vmm_pid = shimlink::read_shim_record(dir_->path())->vmm_pid;
  const auto machine = linux_::ProcessHandle::open(vmm_pid);
  ASSERT_TRUE(machine);
  const auto second = shimlink::ShimProcess::spawn(SHIM_PROGRAM, config());
  ASSERT_FALSE(second) << "two shims of one box";
  EXPECT_EQ(second.error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(shim.kill());
  EXPECT_TRUE(machine->wait(eventually()));
  EXPECT_TRUE(wait_until([&] { return !*shimlink::is_shim_alive(dir_->path()); }));
  EXPECT_EQ(shimlink::read_exit_record(dir_->path()).error().code(), ErrorCode::not_found);
  ASSERT_TRUE(shim.wait(eventually()));
}

TEST_F(ShimTest, EndsAtOnceByForceAlsoWhileItBoots) {
  auto shim = spawn(config_without_agent());
  const auto connection = connect();
  wire::msg::StopRequest stop;
  stop.set_force(true);
  const auto stopped = connection->call<wire::ShimStop>(stop, eventually());
  EXPECT_TRUE(stopped) << stopped.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().reason, shimlink::ExitReason::killed);
}

TEST_F(ShimTest, RunsACommandAndStops) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto with_two_disks = config();
  const auto second_disk = dir_->path() / "second,disk";
  ASSERT_TRUE(write_file_atomic(second_disk, std::string(3u << 20, 'd')));
  with_two_disks.machine.disks.push_back(
      {.path = second_disk, .format = engine::DiskFormat::raw, .is_read_only = true});
  auto shim = spawn(with_two_disks);
  const auto connection = connect();
  // Asked before the box is ready: it waits.
  const auto early = run(*connection, {"echo", "hello"});
  ASSERT_TRUE(early) << early.error().message();
  EXPECT_EQ(early->output, "hello\n");
  EXPECT_EQ(early->result.exit_code(), 0u);
  const auto ready = connection->call<wire::ShimWaitReady>({}, eventually());
  ASSERT_TRUE(ready) << ready.error().message();
  std::string stages;
  for (const auto& stage : ready->stages())
    stages += concat(stage.name(), " ", stage.duration_us() / 1000, " ms  ");
  RecordProperty("stages", stages);
  std::printf("stages: %s\n", stages.c_str());
  EXPECT_EQ(ready->stages_size(), 5);
  EXPECT_EQ(run(*connection, {"cat", "/sys/class/block/vdb/size"})->output, "6144\n")
      << "disks come in order";
  EXPECT_EQ(run(*connection, {"sh", "-c", "exit 7"})->result.exit_code(), 7u);
  EXPECT_EQ(run(*connection, {"no-such-command"})->result.exit_code(), 127u);
  wire::msg::StopRequest stop;
  stop.set_grace_ms(1000);
  const auto stopped = connection->call<wire::ShimStop>(stop, eventually());
  EXPECT_TRUE(stopped) << stopped.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().reason, shimlink::ExitReason::stopped) << exit_record().message;
}

TEST_F(ShimTest, RunsManyCommandsAtOnceOverOneConnection) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto shim = spawn(config());
  const auto connection = connect();
  await_ready(*connection);
  constexpr int count = 50;
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(run(*connection, {"echo", "alone"}));
  const auto alone = std::chrono::steady_clock::now() - began;
  std::vector<agentlink::Stream<wire::ExecStart>> streams;
  for (int i = 0; i < count; ++i) {
    wire::msg::ExecRequest request;
    request.set_id(concat("many-", i));
    for (const auto& argument : {std::string("echo"), concat(i)}) request.add_args(argument);
    auto stream = connection->open<wire::ExecStart>(request);
    ASSERT_TRUE(stream);
    streams.push_back(std::move(*stream));
  }
  for (int i = 0; i < count; ++i) {
    std::string output;
    auto& stream = streams[static_cast<std::size_t>(i)];
    while (true) {
      const auto message = stream.read(eventually());
      ASSERT_TRUE(message) << message.error().message();
      if (!*message) break;
      output += (*message)->stdout();
    }
    EXPECT_EQ(output, concat(i, "\n"));
    EXPECT_EQ(stream.result(eventually())->exit_code(), 0u);
  }
  const auto all = std::chrono::steady_clock::now() - began;
  std::printf("first command: %ld us; %d more: %ld us\n",
              static_cast<long>(alone / std::chrono::microseconds(1)), count,
              static_cast<long>((all - alone) / std::chrono::microseconds(1)));
  ASSERT_TRUE(shim.kill());
  ASSERT_TRUE(shim.wait(eventually()));
}

TEST_F(ShimTest, PassesALotOfOutput) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto shim = spawn(config());
  const auto connection = connect();
  constexpr std::size_t size = 8u << 20;
  const auto ran = run(*connection, {"head", "-c", concat(size), "/dev/zero"});
  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(ran->output.size(), size);
  shim.hang_up();
  ASSERT_TRUE(shim.wait(eventually()));
  EXPECT_EQ(exit_record().reason, shimlink::ExitReason::stopped) << exit_record().message;
}

TEST_F(ShimTest, RecordsHowTheMainCommandEnded) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto shim = spawn(config());
  const auto connection = connect();
  await_ready(*connection);
  const auto ran = run(*connection, {"sh", "-c", "exit 9"}, true);
  ASSERT_TRUE(ran) << ran.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  const auto record = exit_record();
  EXPECT_EQ(record.reason, shimlink::ExitReason::main_exited) << record.message;
  EXPECT_EQ(record.exit_code, 9);
}

TEST_F(ShimTest, LearnsTheMainCommandsEndAlsoWhenItsClientHasGone) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto shim = spawn(config());
  {
    const auto connection = connect();
    await_ready(*connection);
    wire::msg::ExecRequest request;
    request.set_id("main");
    for (const auto* argument : {"sh", "-c", "sleep 1; exit 5"}) request.add_args(argument);
    request.set_is_main(true);
    auto stream = connection->open<wire::ExecStart>(request);
    ASSERT_TRUE(stream);
    const auto started = stream->read(eventually());
    ASSERT_TRUE(started && *started);
  }
  ASSERT_TRUE(shim.wait(eventually()));
  const auto record = exit_record();
  EXPECT_EQ(record.reason, shimlink::ExitReason::main_exited) << record.message;
  EXPECT_EQ(record.exit_code, 5);
}

TEST_F(ShimTest, TellsClientsWhenQemuIsKilled) {
  if (!has_agent()) GTEST_SKIP() << "no initramfs.cpio in " << runtime_dir();
  make_root();
  auto shim = spawn(config());
  const auto connection = connect();
  await_ready(*connection);
  wire::msg::ExecRequest request;
  request.set_id("sleeper");
  for (const auto* argument : {"sleep", "1000"}) request.add_args(argument);
  auto stream = connection->open<wire::ExecStart>(request);
  ASSERT_TRUE(stream);
  const auto started = stream->read(eventually());
  ASSERT_TRUE(started) << started.error().message();
  ASSERT_EQ(::kill(shimlink::read_shim_record(dir_->path())->vmm_pid, SIGKILL), 0);
  const auto result = stream->result(eventually());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::stopped) << result.error().message();
  ASSERT_TRUE(shim.wait(eventually()));
  const auto record = exit_record();
  EXPECT_EQ(record.reason, shimlink::ExitReason::vmm_failed);
  EXPECT_NE(record.message.find("signal 9"), std::string::npos) << record.message;
}

}  // namespace
}  // namespace boxlite
