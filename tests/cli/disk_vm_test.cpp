// SPDX-License-Identifier: Apache-2.0
// A box's own disk between two starts: what a machine may have written into its header.
#include <fstream>
#include <sstream>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class DiskVmTest : public BoxVmTest {
 protected:
  void SetUp() override {
    BoxVmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(run({"start", "w"}).code(), 0);
    ASSERT_EQ(run({"exec", "w", "sh", "-c", "echo kept > /kept"}).code(), 0);
    ASSERT_EQ(run({"stop", "w"}).code(), 0);
    std::string id = run({"inspect", "-f", "{{.Id}}", "w"}).out;
    id.erase(id.find_last_not_of('\n') + 1);
    disk_ = home().home() / "boxes" / id / "disk.qcow2";
  }
  std::string header() const {
    std::string bytes(4096, '\0');
    std::ifstream(disk_, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  }
  void write(const std::string& bytes) const {
    std::fstream(disk_, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  }
  std::string start_with(const std::string& hostile, std::vector<std::string> words = {"start", "w"}) const {
    const auto right = header();
    write(hostile);
    const auto refused = run(std::move(words));
    write(right);
    EXPECT_EQ(refused.code(), 125);
    return refused.err;
  }

  std::filesystem::path disk_;
};

TEST_F(DiskVmTest, AHeaderThatNamesOtherFilesIsRefused) {
  constexpr std::size_t incompatible_features = 72;
  auto hostile = header();
  hostile[incompatible_features + 7] = 4;
  EXPECT_THAT(start_with(hostile), HasSubstr("external data file"));
  EXPECT_THAT(start_with(hostile, {"exec", "w", "true"}), HasSubstr("external data file"));

  hostile = header();
  const auto name = hostile.find(".ext4");
  ASSERT_NE(name, std::string::npos);
  hostile[name + 4] = '5';
  const auto refused = start_with(hostile);
  EXPECT_THAT(refused, HasSubstr("its header names another base"));
  EXPECT_THAT(refused, HasSubstr("disk.qcow2"));

  EXPECT_EQ(run({"start", "w"}).code(), 0);
  EXPECT_EQ(run({"exec", "w", "cat", "/kept"}).out, "kept\n");
}

// Makes what the first writer left: the disk's name without a version, and a file without its inode.
constexpr const char* age_disk = R"py(
import pathlib, sqlite3, subprocess, sys
home, overlay = pathlib.Path(sys.argv[1]), sys.argv[2]
disk = next(home.glob("disks/*.2.ext4"))
old = disk.with_name(disk.name.replace(".2.ext4", ".ext4"))
disk.rename(old)
old.chmod(0o600)
for file in ("/etc/passwd", "/etc/group"):
    subprocess.run(["/sbin/debugfs", "-w", "-R", f"clri {file}", old], check=True, capture_output=True)
database = sqlite3.connect(home / "boxlite.db")
with database:
    database.execute("UPDATE boxes SET disk_base = replace(disk_base, '.2', '')")
with open(overlay, "r+b") as file:
    header = file.read(4096)
    at = int.from_bytes(header[8:16], "big")
    assert header[at:].startswith(bytes(disk))
    file.seek(16)
    file.write(len(bytes(old)).to_bytes(4, "big"))
    file.seek(at)
    file.write(bytes(old).ljust(len(bytes(disk)), b"\0"))
print(old, end="")
)py";

TEST_F(DiskVmTest, ADamagedBaseOfAnOldWriterIsKeptAndSpokenOf) {
  ProgramOptions aging;
  aging.words = {"/usr/bin/python3", "-c", age_disk, home().home().native(), disk_.native()};
  const auto aged = run_program(aging);
  ASSERT_EQ(aged.code(), 0) << aged.err;
  EXPECT_THAT(run({"gc"}).out, Not(HasSubstr(".ext4")));

  const auto started = run({"start", "-q", "w"});
  EXPECT_EQ(started.code(), 0) << started.err;
  EXPECT_THAT(started.err, HasSubstr("lost 2 files of the image"));
  EXPECT_EQ(run({"exec", "w", "cat", "/kept"}).out, "kept\n");

  const auto fresh = run({"run", "--rm", "--", "cat", "/etc/passwd"});
  EXPECT_EQ(fresh.code(), 0) << fresh.err;
  EXPECT_THAT(fresh.out, HasSubstr("root:"));
  EXPECT_EQ(fresh.err, "");
  ASSERT_EQ(run({"rm", "-f", "w"}).code(), 0);
  EXPECT_THAT(run({"gc"}).out, HasSubstr(".ext4"));
  EXPECT_FALSE(std::filesystem::exists(aged.out));
}

}  // namespace
}  // namespace boxlite::test
