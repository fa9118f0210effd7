// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>
#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "jail/namespaces.h"
#include "jail/shared_folders.h"

namespace boxlite::jail {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(IdentityMap, MapsEverythingToItself) {
  EXPECT_EQ(identity_map("         0          0 4294967295\n"), "0 0 4294967295\n");
  EXPECT_EQ(identity_map("0 1000 1\n1 100000 65536\n"), "0 0 1\n1 1 65536\n");
  EXPECT_EQ(identity_map(""), "");
}

// Namespaces are for ever, so each test enters them in a child of its own.
class NamespaceTest : public testing::Test {
 protected:
  NamespaceTest() : dir_(*TempDir::create(testing::TempDir(), "jail-")) {
    share_ = dir_.path() / "share";
    source_ = dir_.path() / "source";
    EXPECT_TRUE(make_directories(share_));
    EXPECT_TRUE(make_directories(source_ / "inner"));
    EXPECT_TRUE(write_file_atomic(source_ / "file", "old"));
  }

  // "": it worked; "none": this host has no namespaces for us.
  std::string in_namespaces(const std::function<Result<void>(SharedFolders&)>& work) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      (void)write_all(writer.get(), report(work), "pipe");
      ::_exit(0);
    }
    writer.reset();
    std::string text;
    std::array<char, 512> buffer{};
    while (true) {
      const auto count = ::read(reader.get(), buffer.data(), buffer.size());
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    return text;
  }

  std::string report(const std::function<Result<void>(SharedFolders&)>& work) const {
    if (const auto entered = enter_own_namespaces(); !entered)
      return entered.error().code() == ErrorCode::unsupported ? "none" : entered.error().message();
    auto folders = SharedFolders::create(share_);
    if (!folders) return folders.error().message();
    const auto done = work(*folders);
    return done ? std::string() : done.error().message();
  }

  Result<void> attach(SharedFolders& folders, const std::string& name, const std::string& what,
                      bool is_read_only) const {
    const auto source = BOXLITE_TRY(open_shareable(dir_.path() / what));
    return folders.attach(name, source.get(), is_read_only);
  }

  TempDir dir_;
  std::filesystem::path share_;
  std::filesystem::path source_;
};

#define SKIP_WITHOUT_NAMESPACES(outcome) \
  if ((outcome) == "none") GTEST_SKIP() << "no user namespaces here"

TEST_F(NamespaceTest, ShowsDirectoriesAndFilesUntilTheyAreDetached) {
  const auto outcome = in_namespaces([this](SharedFolders& folders) -> Result<void> {
    BOXLITE_TRY(attach(folders, "0", "source", false));
    BOXLITE_TRY(attach(folders, "1", "source/file", false));
    EXPECT_FALSE(attach(folders, "1", "source", false));
    BOXLITE_TRY(write_file_atomic(share_ / "0/made", "new"));
    BOXLITE_TRY(read_file(share_ / "1"));
    BOXLITE_TRY(folders.detach("0"));
    BOXLITE_TRY(folders.detach("1"));
    if (::access((share_ / "0").c_str(), F_OK) == 0 || ::access((share_ / "1").c_str(), F_OK) == 0)
      return fail(ErrorCode::internal, "still there");
    // A name can come back.
    return attach(folders, "0", "source", false);
  });
  SKIP_WITHOUT_NAMESPACES(outcome);
  EXPECT_EQ(outcome, "");
  EXPECT_EQ(read_file(source_ / "made").value(), "new");
}

TEST_F(NamespaceTest, LetsNothingWriteWhatIsReadOnly) {
  const auto outcome = in_namespaces([this](SharedFolders& folders) -> Result<void> {
    BOXLITE_TRY(attach(folders, "0", "source", true));
    const auto written = open_file(share_ / "0/file", O_WRONLY);
    if (written || written.error().os_error() != EROFS) return fail(ErrorCode::internal, "writable");
    const auto beside = open_file(share_ / "beside", O_WRONLY | O_CREAT);
    if (beside || beside.error().os_error() != EROFS)
      return fail(ErrorCode::internal, "the share is writable");
    return {};
  });
  SKIP_WITHOUT_NAMESPACES(outcome);
  EXPECT_EQ(outcome, "");
}

TEST_F(NamespaceTest, ReadOnlyGoesForWhatIsMountedBelowAsWell) {
  const auto outcome = in_namespaces([this](SharedFolders& folders) -> Result<void> {
    if (::mount("none", (source_ / "inner").c_str(), "tmpfs", 0, nullptr) != 0)
      return fail(syscall_error("mount", "", errno));
    BOXLITE_TRY(write_file_atomic(source_ / "inner/below", "x"));
    BOXLITE_TRY(attach(folders, "0", "source", true));
    BOXLITE_TRY(read_file(share_ / "0/inner/below"));
    const auto written = open_file(share_ / "0/inner/below", O_WRONLY);
    if (written || written.error().os_error() != EROFS) return fail(ErrorCode::internal, "writable");
    return {};
  });
  SKIP_WITHOUT_NAMESPACES(outcome);
  EXPECT_EQ(outcome, "");
}

TEST_F(NamespaceTest, LeavesNoMountBehindWhenItIsKilled) {
  const auto outcome = in_namespaces([this](SharedFolders& folders) -> Result<void> {
    BOXLITE_TRY(attach(folders, "0", "source", false));
    ::kill(::getpid(), SIGKILL);
    return {};
  });
  SKIP_WITHOUT_NAMESPACES(outcome);
  const auto mounts = read_file("/proc/self/mountinfo");
  ASSERT_TRUE(mounts);
  EXPECT_THAT(*mounts, Not(HasSubstr(share_.native())));
  EXPECT_TRUE(remove_tree(share_));
  EXPECT_EQ(read_file(source_ / "file").value(), "old") << "removal does not reach through";
}

TEST(OpenShareable, TakesDirectoriesAndFilesOnly) {
  const auto dir = TempDir::create(testing::TempDir(), "jail-").value();
  EXPECT_TRUE(open_shareable(dir.path()));
  const auto missing = open_shareable(dir.path() / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_FALSE(missing.error().remedy().empty());
  ASSERT_EQ(::mkfifo((dir.path() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(open_shareable(dir.path() / "fifo").error().code(), ErrorCode::unsupported);
  EXPECT_EQ(open_shareable("/dev/null").error().code(), ErrorCode::unsupported);
  ASSERT_EQ(::symlink("/", (dir.path() / "link").c_str()), 0);
  const auto link = open_shareable(dir.path() / "link");
  ASSERT_FALSE(link) << "it was followed when it was named: a box may have made it since";
  EXPECT_EQ(link.error().code(), ErrorCode::invalid_state);
  EXPECT_THAT(link.error().message(), HasSubstr("has become a symlink"));
}

}  // namespace
}  // namespace boxlite::jail
