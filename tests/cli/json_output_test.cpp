// SPDX-License-Identifier: Apache-2.0
// That machines can read what the program prints for them.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "support/temp_home.h"

namespace boxlite::test {
namespace {

using Json = nlohmann::json;

class JsonOutputTest : public testing::Test {
 protected:
  Json parsed(std::vector<std::string> words) const {
    const auto result = home_.run(std::move(words));
    auto json = Json::parse(result.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << result.out << result.err;
    return json;
  }
  TempHome home_{BOXLITE_PROGRAM};
};

TEST_F(JsonOutputTest, ListsBoxes) {
  EXPECT_EQ(parsed({"ls", "-a", "--format", "json"}), Json::array());
  ASSERT_EQ(
      home_.run({"create", "--name", "web", "-e", "A=1", "--memory", "1g", "img", "sh", "-c", "\xff"}).code(),
      0);
  const auto list = parsed({"ls", "-a", "--format", "json"});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["name"], "web");
  EXPECT_EQ(list[0]["status"], "configured");
  EXPECT_EQ(list[0]["memory_mib"], 1024);
  EXPECT_TRUE(list[0]["exit_code"].is_null());
}

TEST_F(JsonOutputTest, InspectsABox) {
  ASSERT_EQ(home_.run({"create", "--name", "web", "-e", "A=1", "-u", "1000", "img", "sh"}).code(), 0);
  const auto list = parsed({"inspect", "web"});
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["Name"], "web");
  EXPECT_EQ(list[0]["Config"]["Env"], Json::array({"A=1"}));
  EXPECT_EQ(list[0]["Config"]["User"], "1000");
  EXPECT_EQ(list[0]["State"]["Status"], "configured");
  EXPECT_FALSE(list[0]["State"]["Running"]);
  EXPECT_EQ(parsed({"inspect", "missing"}), Json::array());
}

TEST_F(JsonOutputTest, DescribesTheInstallation) {
  const auto version = parsed({"version", "--format", "json"});
  EXPECT_TRUE(version["version"].is_string());
  const auto info = parsed({"info", "--format", "json"});
  EXPECT_EQ(info["version"], version["version"]);
  EXPECT_EQ(info["home"], home_.home().string());
  EXPECT_EQ(info["boxes"]["total"], 0);
  EXPECT_GT(info["host"]["cpus"], 0);
}

TEST_F(JsonOutputTest, ReportsEveryCheckOfTheHost) {
  const auto result = home_.run({"doctor", "--format", "json"});
  const auto report = Json::parse(result.out, nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << result.out;
  EXPECT_EQ(result.code(), report["usable"].get<bool>() ? 0 : 1);
  ASSERT_FALSE(report["checks"].empty());
  for (const auto& check : report["checks"]) {
    EXPECT_TRUE(check["name"].is_string());
    EXPECT_TRUE(check["status"] != "problem" || check["remedy"].is_string()) << check;
  }
}

TEST_F(JsonOutputTest, ReportsAMissingRuntimeWithARemedy) {
  const auto result = home_.run({"doctor", "--format", "json", "--runtime-dir", "/nonexistent"});
  EXPECT_EQ(result.code(), 1) << result.err;
  const auto report = Json::parse(result.out, nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << result.out;
  EXPECT_FALSE(report["usable"]);
}

}  // namespace
}  // namespace boxlite::test
