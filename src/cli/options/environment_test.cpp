// SPDX-License-Identifier: Apache-2.0
#include "cli/options/environment.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::optional<std::string> fake_host(std::string_view name) {
  if (name == "TOKEN") return "s3cret";
  return std::nullopt;
}

TEST(EnvironmentTest, ReadsAVariableWithItsValue) {
  EXPECT_THAT(**parse_variable("A=1=2", fake_host), Pair("A", "1=2"));
  EXPECT_THAT(**parse_variable("A=", fake_host), Pair("A", ""));
}

TEST(EnvironmentTest, TakesAValueFromTheHostOrLeavesTheVariableOut) {
  EXPECT_THAT(**parse_variable("TOKEN", fake_host), Pair("TOKEN", "s3cret"));
  EXPECT_FALSE(*parse_variable("UNSET", fake_host));
}

TEST(EnvironmentTest, RefusesAVariableWithoutAName) {
  EXPECT_EQ(parse_variable("=1", fake_host).error().exit_code, exit_usage);
  EXPECT_EQ(parse_variable("", fake_host).error().exit_code, exit_usage);
}

TEST(EnvironmentTest, ReadsAFileInDockersNotation) {
  const auto variables = parse_env_file(
      "\xef\xbb\xbf# comment\n\nA=1\r\n  B='quoted' # kept\nTOKEN\nUNSET\nA=2\nC=x=y\nlast=no newline", "env",
      fake_host);
  ASSERT_TRUE(variables) << variables.error().message;
  EXPECT_THAT(*variables, ElementsAre(Pair("A", "2"), Pair("B", "'quoted' # kept"), Pair("TOKEN", "s3cret"),
                                      Pair("C", "x=y"), Pair("last", "no newline")));
}

TEST(EnvironmentTest, NamesTheLineThatIsWrong) {
  const auto variables = parse_env_file("A=1\nexport B=2\n", "box.env", fake_host);
  ASSERT_FALSE(variables);
  EXPECT_EQ(variables.error().exit_code, exit_usage);
  EXPECT_THAT(variables.error().message, HasSubstr("box.env:2: \"export B=2\""));
  EXPECT_FALSE(parse_env_file(std::string_view("A=\0b\n", 5), "x", fake_host));
}

TEST(EnvironmentTest, ReportsAFileThatIsNotThere) {
  const auto variables = read_environment({"/nonexistent/env"}, {});
  ASSERT_FALSE(variables);
  EXPECT_EQ(variables.error().exit_code, exit_usage);
  EXPECT_EQ(variables.error().message, "open \"/nonexistent/env\": No such file or directory");
}

TEST(EnvironmentTest, LetsTheLastValueOfANameWin) {
  const auto variables = read_environment({}, {"A=1", "B=2", "A=3"});
  ASSERT_TRUE(variables);
  EXPECT_THAT(*variables, ElementsAre(Pair("A", "3"), Pair("B", "2")));
}

}  // namespace
}  // namespace boxlite::cli
