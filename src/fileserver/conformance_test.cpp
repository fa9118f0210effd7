// SPDX-License-Identifier: Apache-2.0
// Programs of others that try file systems: pjdfstest (what each call answers, and does to owners, modes and
// times, as root and as other users) and fsx (random reads, writes, mappings and changes of size of one
// file).
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "fileserver/test_folder.h"

namespace boxlite::fileserver {
namespace {

using ::testing::IsEmpty;

constexpr uid_t some_user = 1000;

struct Outcome {
  int exit_code = -1;
  std::string text;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  auto* const pipe = ::popen(concat(command, " 2>&1").c_str(), "re");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> piece{};
  for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    outcome.text.append(piece.data(), size);
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

// Builds it where it is not there yet; nothing, where that cannot be.
std::optional<std::string> program(const char* name) {
  const auto found = run(concat(CARGO_PROGRAM, " ", name));
  EXPECT_THAT(found.exit_code, testing::AnyOf(0, 77)) << found.text;
  if (found.exit_code != 0) return std::nullopt;
  // What it said meanwhile stands before the path.
  const auto line = found.text.find_last_of('\n', found.text.size() - 2);
  return found.text.substr(line == std::string::npos ? 0 : line + 1,
                           found.text.size() - 1 - (line == std::string::npos ? 0 : line + 1));
}

// The names of the cases that went wrong.
std::set<std::string> failed_cases(const std::string& report) {
  std::set<std::string> failed;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(" FAILED")) failed.insert(line.substr(0, line.find(' ')));
  }
  return failed;
}

// These make devices, which folders of the host refuse.
bool makes_devices(const std::string& name) {
  return name.ends_with("::block") || name.ends_with("::char");
}

// The last of its calls is open(O_RDONLY | O_TRUNC) of a program that runs. The kernel has the server empty
// the file (FUSE_ATOMIC_O_TRUNC) before it looks whether the file runs; so the program dies, and where that
// is done by then, the call succeeds.
bool races_with_a_dying_program(const std::string& name) {
  return name == "open::etxtbsy";
}

struct Sharing {
  const char* name;
  FolderRules rules;
  uid_t host_user;
};

std::ostream& operator<<(std::ostream& out, const Sharing& sharing) {
  return out << sharing.name;
}

class Conformance : public ::testing::TestWithParam<Sharing> {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    if (GetParam().host_user != 0 && why_not_as_a_user() != nullptr) GTEST_SKIP() << why_not_as_a_user();
    ::umask(022);
    folder_.emplace(GetParam().rules, false, 0, GetParam().host_user);
    // Other users of the box get there.
    std::filesystem::permissions(folder_->box().parent_path().parent_path(), std::filesystem::perms(0755));
  }
  std::optional<MountedFolder> folder_;
};

TEST_P(Conformance, EveryCallAnswersAsThePosixOneDoes) {
  const auto pjdfstest = program("pjdfstest");
  if (!pjdfstest) GTEST_SKIP() << "needs cargo, to build pjdfstest";
  const auto settings = folder_->host().parent_path().parent_path() / "pjdfstest.toml";
  put(settings,
      "[features]\nposix_fallocate = {}\nrename_ctime = {}\nutimensat = {}\nutime_now = {}\n"
      "stat_st_birthtime = {}\n[settings]\nnaptime = 0.01\nallow_remount = false\nexpected_failures = []\n"
      "[dummy_auth]\nentries = [[\"nobody\", \"nogroup\"], [\"daemon\", \"daemon\"], [\"bin\", \"bin\"]]\n");
  const auto report = run(concat(*pjdfstest, " -c ", settings.native(), " -p ", folder_->box().native()));
  ASSERT_THAT(report.text, testing::HasSubstr("398 total")) << "all of them ran";
  auto failed = failed_cases(report.text);
  if (!GetParam().rules.is_volume) std::erase_if(failed, makes_devices);
  std::erase_if(failed, races_with_a_dying_program);
  EXPECT_THAT(failed, IsEmpty()) << report.text;
}

INSTANTIATE_TEST_SUITE_P(Folders, Conformance,
                         ::testing::Values(Sharing{"OfRoot", {}, 0}, Sharing{"OfAUser", {}, some_user},
                                           Sharing{"VolumeOfRoot", {.is_volume = true}, 0},
                                           Sharing{"VolumeOfAUser", {.is_volume = true}, some_user}),
                         [](const auto& each) { return std::string(each.param.name); });

// FSX_OPERATIONS: how many for each seed.
TEST(FileSystemExerciser, AFileHoldsWhatWasWrittenToIt) {
  if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
  const auto fsx = program("fsx");
  if (!fsx) GTEST_SKIP() << "needs cargo, to build fsx";
  const MountedFolder folder;
  const auto place = folder.host().parent_path().parent_path();
  put(place / "fsx.toml",
      "flen = 300000\n[opsize]\nmin = 0\nmax = 70000\nalign = 1\n[weights]\nclose_open = 5\ninvalidate = 5\n"
      "mapread = 10\nmapwrite = 10\nread = 10\nwrite = 10\ntruncate = 5\nfsync = 1\nfdatasync = 1\n"
      "posix_fallocate = 5\npunch_hole = 5\nsendfile = 5\nposix_fadvise = 3\ncopy_file_range = 5\n");
  const auto* const more = std::getenv("FSX_OPERATIONS");
  const auto* const count = more != nullptr ? more : "1500";
  for (int seed = 1; seed <= 4; ++seed) {
    const auto report = run(concat(*fsx, " -f ", (place / "fsx.toml").native(), " -P ", place.native(),
                                   " -N ", count, " -S ", seed, " ", (folder.box() / "file").native()));
    ASSERT_EQ(report.exit_code, 0) << "seed " << seed << "\n" << report.text;
    EXPECT_THAT(report.text, testing::HasSubstr("A-OK"));
  }
}

}  // namespace
}  // namespace boxlite::fileserver
