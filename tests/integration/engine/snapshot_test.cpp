// SPDX-License-Identifier: Apache-2.0
// Snapshots of machines whose agent answers: before, afterwards, and in those that go on from one.
#include <cstdlib>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"
#include "engine/host_check.h"
#include "engine/registry.h"
#include "linux/sockets/unix_socket.h"
#include "wire/method.h"

namespace boxlite::engine {
namespace {

namespace fs = std::filesystem;

// Emulated machines on a busy host.
Deadline eventually() {
  return Deadline::after(std::chrono::seconds(60));
}

fs::path runtime_dir() {
  const char* variable = std::getenv("BOXLITE_RUNTIME_DIR");
  return variable != nullptr ? variable : DEFAULT_RUNTIME_DIR;
}

// A machine, and what it is connected to.
struct Running {
  std::unique_ptr<Machine> machine;
  UniqueFd port;
  UniqueFd others;

  // Asks its agent, as a shim does first of all.
  bool answers() {
    wire::FrameWriter out;
    stream += 2;
    if (!wire::write_request<wire::GuestHello>(out, stream, {})) return false;
    if (!write_all(port.get(), out.pending(), "the agent's port")) return false;
    while (true) {
      const auto frame = in.next();
      if (!frame) return false;
      if (*frame) return (*frame)->header.stream == stream;
      pollfd waiting{port.get(), POLLIN, 0};
      if (::poll(&waiting, 1, eventually().poll_timeout_ms()) != 1) return false;
      const auto room = in.prepare();
      const auto count = ::recv(port.get(), room.data(), room.size(), 0);
      if (count <= 0) return false;
      in.commit(static_cast<std::size_t>(count));
    }
  }

  std::uint32_t stream = 0;
  wire::FrameReader in = {};
};

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto choice = choose_engine({});
    if (!choice) GTEST_SKIP() << choice.error().message();
    for (const auto* name : {"vmlinux", "initramfs.cpio"}) {
      if (!fs::exists(runtime_dir() / name)) GTEST_SKIP() << "no " << name << " in " << runtime_dir();
    }
    engine_ = *make(choice->engine);
    spec_ = {.kernel = runtime_dir() / "vmlinux",
             .initramfs = runtime_dir() / "initramfs.cpio",
             .accelerator = choice->accelerator,
             .memory_mib = 128,
             .memory_file = dir_.path() / "memory"};
  }

  Running launch(const MachineSpec& spec, const std::optional<Snapshot>& from = std::nullopt) {
    auto port = *linux_::unix_socket_pair();
    auto others = *linux_::unix_socket_pair();
    const auto another = [&] { return UniqueFd(::dup(others.second.get())); };
    auto machine = engine_->launch(spec, from,
                                   {.agent_port = std::move(port.second),
                                    .console = another(),
                                    .folders = another(),
                                    .link = another()});
    if (!machine) throw std::runtime_error(machine.error().message());
    return {*std::move(machine), std::move(port.first), std::move(others.first)};
  }

  TempDir dir_ = *TempDir::create("/tmp", "snapshot-");
  const Snapshot into_{.memory = dir_.path() / "copy", .state = dir_.path() / "state"};
  std::unique_ptr<Engine> engine_;
  MachineSpec spec_;
};

TEST_F(SnapshotTest, AMachineKeepsRunningAndAnotherGoesOnFromIt) {
  auto first = launch(spec_);
  ASSERT_TRUE(first.answers());
  const auto made = first.machine->snapshot({.into = into_, .keep_running = true}, eventually());
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE(first.answers()) << "the one that was saved";
  auto of_copy = spec_;
  of_copy.memory_file.clear();
  auto second = launch(of_copy, into_);
  EXPECT_TRUE(second.answers()) << "the one that goes on from it";
  ASSERT_TRUE(first.machine->quit(eventually()));
  EXPECT_EQ(first.machine->wait(eventually())->reason, EndReason::ended);
  second.machine->kill();
  EXPECT_EQ(second.machine->wait(eventually())->reason, EndReason::killed);
}

TEST_F(SnapshotTest, EndsTheMachineInOrderWhereItIsNotToKeepRunning) {
  auto running = launch(spec_);
  ASSERT_TRUE(running.answers());
  const Snapshot in_place{.memory = spec_.memory_file, .state = into_.state};
  const auto made = running.machine->snapshot({.into = in_place}, eventually());
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(*running.machine->wait(eventually()), MachineEnd());
}

TEST_F(SnapshotTest, SaysWhatCannotBeAndTouchesNothing) {
  auto running = launch(spec_);
  const Snapshot in_place{.memory = spec_.memory_file, .state = into_.state};
  auto warm = into_;
  warm.pages = dir_.path() / "pages";
  for (const auto& request :
       {SnapshotRequest{.into = into_, .with_disks = true},
        SnapshotRequest{.into = in_place, .keep_running = true}, SnapshotRequest{.into = warm},
        SnapshotRequest{.into = warm, .keep_running = true}}) {
    const auto made = running.machine->snapshot(request, eventually());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ErrorCode::unsupported) << made.error().message();
  }
  EXPECT_TRUE(running.answers());
  EXPECT_FALSE(fs::exists(into_.state));
}

}  // namespace
}  // namespace boxlite::engine
