// SPDX-License-Identifier: Apache-2.0
// boxlite cp and boxlite file.
#include <filesystem>
#include <fstream>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class CopyVmTest : public BoxVmTest {
 protected:
  void TearDown() override {
    fs::remove_all(home().directory() / "copies");
    BoxVmTest::TearDown();
  }
  static std::string path(std::string_view name) { return home().directory() / "copies" / name; }
  static void put(std::string_view name, std::string_view content) {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
  }
  static std::string get(std::string_view name) {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void expect_done(const ProgramResult& result) { EXPECT_EQ(result.code(), 0) << result.err; }
};

TEST_F(CopyVmTest, CopiesBothWaysAsDockerDoes) {
  const auto bytes = awkward_bytes(2u << 20);
  put("src/data", bytes);
  put("src/name with space", "x");
  expect_done(run({"cp", path("src"), "w:/new"}));
  expect_done(run({"cp", path("src"), "w:/tmp"}));
  expect_done(run({"cp", path("src/."), "w:/tmp"}));
  EXPECT_EQ(run({"exec", "w", "sh", "-c", "ls /new /tmp /tmp/src"}).out,
            "/new:\ndata\nname with space\n\n/tmp:\ndata\nname with space\nsrc\n\n/tmp/src:\ndata\nname with "
            "space\n");
  expect_done(run({"cp", "w:/tmp/src", path("back")}));
  EXPECT_TRUE(get("back/data") == bytes);
  expect_done(run({"cp", "-q", "--no-include-parent", "w:/tmp/src", path("back2")}));
  EXPECT_EQ(get("back2/name with space"), "x");
  put("src/data", "changed");
  expect_done(run({"cp", "--no-overwrite", path("src"), "w:/tmp"}));
  EXPECT_EQ(run({"exec", "w", "stat", "-c", "%s", "/tmp/src/data"}).out, "2097152\n");

  const auto archive = run({"cp", "w:/tmp/src", "-"});
  EXPECT_EQ(archive.code(), 0) << archive.err;
  EXPECT_THAT(archive.out.substr(0, 2000), HasSubstr("src/"));
  expect_done(run({"cp", "-", "w:/new"}, archive.out));
  EXPECT_EQ(run({"file", "cat", "w", "/new/src/name with space"}).out, "x");

  EXPECT_EQ(run({"cp", path("src"), "w:/new/data"}).code(), 125);
  EXPECT_EQ(run({"cp", path("src/data"), "w:/missing/"}).code(), 125);
  EXPECT_EQ(run({"cp", "-", "w:/missing"}, archive.out).code(), 125);
  EXPECT_EQ(run({"cp", "w:/none", path("x")}).code(), 125);
  EXPECT_EQ(run({"cp", "w:/a", "w:/b"}).code(), 2);
  EXPECT_EQ(run({"cp", path("a"), path("b")}).code(), 2);
}

TEST_F(CopyVmTest, WorksOnFiles) {
  const auto bytes = awkward_bytes(300'000);
  expect_done(run({"file", "mkdir", "-p", "w", "/srv/a/b"}));
  expect_done(run({"file", "write", "--mode", "600", "w", "/srv/a/f"}, bytes));
  EXPECT_TRUE(run({"file", "cat", "w", "/srv/a/f"}).out == bytes);
  EXPECT_TRUE(run({"file", "cat", "--offset", "100", "--length", "50", "w", "/srv/a/f"}).out ==
              bytes.substr(100, 50));
  expect_done(run({"file", "mv", "w", "/srv/a/f", "/srv/a/g"}));
  const auto list = run({"file", "ls", "w", "/srv/a"}).out;
  EXPECT_THAT(list, HasSubstr("-rw-------"));
  EXPECT_THAT(list, HasSubstr(" g\n"));
  EXPECT_THAT(run({"file", "ls", "--format", "json", "w", "/srv/a"}).out,
              HasSubstr("\"kind\": \"directory\""));
  EXPECT_THAT(run({"file", "stat", "w", "/srv/a/g"}).out, HasSubstr("\"size\": 300000"));
  EXPECT_EQ(run({"file", "rm", "w", "/srv/a"}).code(), 125);
  expect_done(run({"file", "rm", "-r", "w", "/srv/a"}));
  EXPECT_EQ(run({"file", "stat", "w", "/srv/a"}).code(), 125);
}

}  // namespace
}  // namespace boxlite::test
