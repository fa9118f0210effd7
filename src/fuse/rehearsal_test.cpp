// SPDX-License-Identifier: Apache-2.0
// The rehearsal's file system, used by the host's kernel as a guest's will.
#include "fuse/rehearsal.h"

#include <csignal>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "fuse/bridge.h"
#include "fuse/test_mounts.h"
#include "linux/files/mounts.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::fuse {
namespace {

class OneFileTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    auto ends = *linux_::unix_socket_pair();
    auto device = *open_file("/dev/fuse", O_RDWR);
    const auto mount = *linux_::new_mount("fuse",
                                          {{"fd", concat(device.get())},
                                           {"rootmode", "40000"},
                                           {"user_id", "0"},
                                           {"group_id", "0"},
                                           {"default_permissions", ""}},
                                          0);
    server_ = start([&] {
      ends.first.reset();
      device.reset();
      serve_one_file(ends.second.get());
    });
    ends.second.reset();
    bridge_ = start([&] {
      Bridge bridge(*join(std::move(device), std::move(ends.first), mount.get()));
      bridge.run([](int, std::string_view) {});
    });
    ASSERT_TRUE(linux_::attach_mount(mount.get(), open_file(root_.path(), O_PATH | O_DIRECTORY)->get()));
    is_mounted_ = true;
  }
  void TearDown() override {
    if (is_mounted_) ::umount2(root_.path().c_str(), MNT_DETACH);
    if (server_ > 0) ::kill(server_, SIGKILL);
    // The bridge ends with its stream.
    for (const auto process : {server_, bridge_}) {
      if (process > 0) ::waitpid(process, nullptr, 0);
    }
  }
  template <typename Run>
  static pid_t start(const Run& run) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
    ::_exit(0);
  }

  TempDir root_ = *TempDir::create("/tmp", "one-file");
  pid_t server_ = -1;
  pid_t bridge_ = -1;
  bool is_mounted_ = false;
};

TEST_F(OneFileTest, AnswersAllThatProgramsDo) {
  const auto file = root_.path() / "file";
  EXPECT_THAT(entries_of(root_.path()), testing::ElementsAre(file));
  EXPECT_EQ(*read_file(file), "some bytes\n");
  EXPECT_EQ(::unlink(file.c_str()), 0);
  const UniqueFd made(::open((root_.path() / "new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  ASSERT_TRUE(made.is_open());
  EXPECT_TRUE(write_all(made.get(), "other bytes", "file"));
}

TEST_F(OneFileTest, IsUsed) {
  use_one_file(root_.path());
  EXPECT_EQ(::access((root_.path() / "new").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace boxlite::fuse
