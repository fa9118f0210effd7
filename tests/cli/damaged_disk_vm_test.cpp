// SPDX-License-Identifier: Apache-2.0
// A box whose disk is damaged says so, in every place where somebody looks.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Nothing else on a disk has this name: its directory, and the journal's copy of that.
constexpr std::string_view marker = "boxlite-marker-of-a-directory";

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Every copy of the marker in it loses a letter. Returns how many there were.
int damage(const std::filesystem::path& file) {
  const auto bytes = read_all(file);
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  int count = 0;
  for (auto at = bytes.find(marker); at != std::string::npos; at = bytes.find(marker, at + 1)) {
    out.seekp(static_cast<std::streamoff>(at));
    out.put('B');
    ++count;
  }
  return count;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class DamagedDiskVmTest : public BoxVmTest {
 protected:
  // A stopped box "w" whose directory /damaged cannot be read.
  void SetUp() override {
    BoxVmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto made =
        run({"exec", "w", "sh", "-c", "mkdir /damaged && touch /damaged/" + std::string(marker)});
    ASSERT_EQ(made.code(), 0) << made.err;
    ASSERT_EQ(run({"stop", "w"}).code(), 0);
    const std::filesystem::path directory = inspect("{{.Directory}}");
    int copies = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.is_regular_file()) copies += damage(entry.path());
    }
    ASSERT_GT(copies, 0) << directory;
  }

  static std::string inspect(const std::string& wanted) {
    auto text = run({"inspect", "-f", wanted, "w"}).out;
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  static std::string disk_errors() {
    return run({"events", "--since", "1h", "--until", "0s", "--filter", "type=disk_error"}).out;
  }
};

constexpr const char* warning = "the kernel of the box reports errors of its disk:";

TEST_F(DamagedDiskVmTest, TheCommandInspectAndTheEventsTellOfIt) {
  const auto listed = run({"exec", "w", "sh", "-c", "ls /damaged; ls /damaged; true"});
  EXPECT_EQ(listed.code(), 0) << listed.err;
  EXPECT_EQ(count_of(listed.err, warning), 1u) << "once: " << listed.err;
  EXPECT_THAT(listed.err, HasSubstr("EXT4-fs error (device vda)"));
  EXPECT_THAT(inspect("{{.State.Disk.LastError}}"), HasSubstr("EXT4-fs error (device vda)"));
  EXPECT_NE(inspect("{{.State.Disk.Errors}}"), "0");
  EXPECT_EQ(inspect("{{.State.Disk.ReadOnly}}"), "false");
  EXPECT_THAT(disk_errors(), HasSubstr("EXT4-fs error (device vda)"));
  // What the file system keeps of it is news for the next machine, too.
  ASSERT_EQ(run({"stop", "w"}).code(), 0);
  EXPECT_NE(inspect("{{.State.Disk.Errors}}"), "0") << "of the last machine";
  const auto later = run({"exec", "w", "true"});
  EXPECT_EQ(later.code(), 0) << later.err;
  EXPECT_EQ(count_of(later.err, warning), 1u) << later.err;
  EXPECT_THAT(later.err, HasSubstr("recorded by earlier runs"));
  EXPECT_NE(inspect("{{.State.Disk.Errors}}"), "0");
}

TEST_F(BoxVmTest, AWholeDiskIsNotSpokenOf) {
  const auto ran = run({"exec", "w", "true"});
  EXPECT_EQ(ran.code(), 0);
  EXPECT_THAT(ran.err, Not(HasSubstr(warning)));
  EXPECT_THAT(run({"inspect", "w"}).out, HasSubstr("\"Errors\": 0"));
}

}  // namespace
}  // namespace boxlite::test
