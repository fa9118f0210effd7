// SPDX-License-Identifier: Apache-2.0
#include "cli/options/secret_options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(SecretOption, NamesItsSource) {
  const auto variable = parse_secret_option("key=env:API_KEY@api.test,*.cdn.test:8443");
  ASSERT_TRUE(variable);
  EXPECT_EQ(variable->secret.name, "key");
  EXPECT_EQ(variable->source, SecretWish::Source::variable);
  EXPECT_EQ(variable->place, "API_KEY");
  EXPECT_THAT(variable->secret.hosts, ElementsAre("api.test", "*.cdn.test:8443"));
  EXPECT_EQ(parse_secret_option("k=file:/a@b/c@d.test")->place, "/a@b/c");
  EXPECT_EQ(parse_secret_option("k=-@d.test")->source, SecretWish::Source::standard_input);
}

TEST(SecretOption, AValueInPlaceOfASourceIsNotRepeated) {
  for (const char* text : {"key=sk-hidden@a.test", "key=sk-hidden", "key=env:sk-hidden@a.test,",
                           "key=file:@a.test", "key=env:@a.test", "=env:A@a.test", "sk-hidden"}) {
    const auto wish = parse_secret_option(text);
    ASSERT_FALSE(wish) << text;
    EXPECT_EQ(wish.error().exit_code, exit_usage);
    EXPECT_THAT(wish.error().message, Not(HasSubstr("hidden")));
    EXPECT_THAT(wish.error().remedy, HasSubstr("env:VARIABLE"));
  }
}

TEST(SecretOption, ReadsVariablesAsTheyAreAndFilesWithoutTheLastNewline) {
  ::setenv("BOXLITE_TEST_KEY", "v\n", 1);
  EXPECT_EQ(*read_secret(*parse_secret_option("k=env:BOXLITE_TEST_KEY@a.test")), "v\n");
  EXPECT_FALSE(read_secret(*parse_secret_option("k=env:BOXLITE_TEST_NO_KEY@a.test")));
  const auto path = std::filesystem::temp_directory_path() / ("boxlite-secret-" + std::to_string(::getpid()));
  std::ofstream(path) << "line 1\nline 2\n";
  EXPECT_EQ(*read_secret(*parse_secret_option("k=file:" + path.string() + "@a.test")), "line 1\nline 2");
  std::filesystem::remove(path);
  EXPECT_FALSE(read_secret(*parse_secret_option("k=file:" + path.string() + "@a.test")));
}

}  // namespace
}  // namespace boxlite::cli
