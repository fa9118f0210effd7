// SPDX-License-Identifier: Apache-2.0
// A box's own disk between two starts: what a machine may have written into its header.
#include <fstream>
#include <sstream>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace boxlite::test
