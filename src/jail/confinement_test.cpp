// SPDX-License-Identifier: Apache-2.0
// Landlock and the open broker last for ever, so each test spends a thread on them. What a machine's process
// may do all in all: tests/integration/jail.
#include <fstream>
#include <future>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/files.h"
#include "jail/file_confinement.h"
#include "jail/open_broker.h"

namespace boxlite::jail {
namespace {

class ConfinementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/boxlite-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::filesystem::create_directory(directory_ / "mine");
    std::ofstream(directory_ / "template") << "precious";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(ConfinementTest, LandlockLeavesOnlyTheNamedPlaces) {
  ASSERT_TRUE(write_file_atomic(directory_ / "base", "readable"));
  std::thread([this] {
    const auto rules = FileConfinement::create(
        {.readable = {directory_ / "base"}, .writable = {directory_ / "mine", directory_ / "missing"}});
    if (!rules) GTEST_SKIP() << rules.error().message();
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_TRUE(FileConfinement::enter(rules->fd()));
    const auto precious = directory_ / "template";
    for (const int how : {O_RDWR, O_RDONLY}) {
      EXPECT_EQ(::open(precious.c_str(), how | O_CLOEXEC), -1);
      EXPECT_EQ(errno, EACCES);
    }
    EXPECT_NE(::unlink(precious.c_str()), 0);
    EXPECT_NE(::rename(precious.c_str(), (directory_ / "mine" / "template").c_str()), 0);
    EXPECT_TRUE(open_file(directory_ / "mine" / "file", O_RDWR | O_CREAT));
    EXPECT_EQ(*read_file(directory_ / "base"), "readable");
    EXPECT_FALSE(open_file(directory_ / "base", O_WRONLY));
    EXPECT_TRUE(read_file("/proc/self/status"));
    EXPECT_FALSE(read_file("/proc/1/status"));
  }).join();
}

TEST_F(ConfinementTest, TheBrokerHandsOutAReadOnlyDescriptor) {
  const auto path = directory_ / "template";
  std::promise<Result<UniqueFd>> listener;
  auto installed = listener.get_future();
  std::thread opener([&] {
    auto made = intercept(Intercepted::programs_and_openings);
    const bool is_there = made.has_value();
    listener.set_value(std::move(made));
    if (!is_there) return;
    const UniqueFd ours(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(ours.is_open());
    EXPECT_EQ(::write(ours.get(), "x", 1), -1);
    EXPECT_EQ(ours.get(), handed_out_fd);
    EXPECT_EQ(::fallocate(ours.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4), 0)
        << "and does nothing";
    EXPECT_EQ(*read_file(path), "precious");
    void* const shared = ::mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, ours.get(), 0);
    EXPECT_EQ(shared, MAP_FAILED);
    auto* const page =
        static_cast<char*>(::mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, ours.get(), 0));
    ASSERT_NE(static_cast<void*>(page), MAP_FAILED);
    page[0] = 'P';
    EXPECT_EQ(std::string(page, 8), "Precious");
    ::munmap(page, 8);
    EXPECT_EQ(::open(path.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC), -1);
    EXPECT_EQ(::open(path.c_str(), O_ACCMODE | O_TRUNC | O_CLOEXEC), -1);
    EXPECT_EQ(*read_file(path), "precious");
    // Any other file as it is asked for.
    const UniqueFd other(::open((directory_ / "other").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(other.get(), "x", 1), 1);
    EXPECT_EQ(::fallocate(other.get(), 0, 0, 4096), 0);
    EXPECT_EQ(std::filesystem::file_size(directory_ / "other"), 4096u);
  });
  auto made = installed.get();
  if (!made) {
    opener.join();
    GTEST_SKIP() << made.error().message();
  }
  OpenBroker broker(*std::move(made));
  broker.replace(path, UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  for (int served = 0; served < 2; ++served) {
    pollfd waiting{broker.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5000), 1);
    EXPECT_TRUE(broker.serve());
  }
  opener.join();
  EXPECT_EQ(*read_file(path), "precious");
}

}  // namespace
}  // namespace boxlite::jail
