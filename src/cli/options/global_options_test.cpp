// SPDX-License-Identifier: Apache-2.0
#include "cli/options/global_options.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

TEST(GlobalOptionsTest, ReadsAConfigFile) {
  const auto config = parse_config(R"({
    // where things are
    "home": "/srv/boxlite", "accel": "tcg",
    "registries": ["ghcr.io", {"host": "localhost:5000", "insecure": true, "mirror": "m/x", "username": "u",
                               "password": "p"}]})",
                                   "c.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->home, "/srv/boxlite");
  EXPECT_EQ(config->accelerator, Accelerator::tcg);
  ASSERT_EQ(config->registries.size(), 2u);
  EXPECT_EQ(config->registries[0].host, "ghcr.io");
  EXPECT_TRUE(config->registries[0].search);
  EXPECT_TRUE(config->registries[1].insecure_http);
  EXPECT_FALSE(config->registries[1].search);
  EXPECT_EQ(config->registries[1].mirror, "m/x");
  EXPECT_EQ(config->registries[1].password, "p");
}

TEST(GlobalOptionsTest, RefusesABadConfigFile) {
  for (const char* text :
       {"", "[]", "{", "{\"home\": 1}", "{\"accel\": \"xen\"}", "{\"registries\": {}}",
        "{\"registries\": [{}]}", "{\"registries\": [1]}", "{\"registries\": [{\"host\": true}]}"}) {
    const auto config = parse_config(text, "c.json");
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().exit_code, exit_usage);
    EXPECT_THAT(config.error().message, HasSubstr("c.json: "));
  }
  EXPECT_THAT(parse_config("{\"hom\": \"/\"}", "c").error().message, HasSubstr("did you mean \"home\"?"));
}

TEST(GlobalOptionsTest, PrefersOptionsToTheEnvironmentAndThatToTheFile) {
  ConfigFile file;
  file.home = "/file";
  file.runtime_dir = "/file/run";
  file.accelerator = Accelerator::kvm;
  GlobalOptions global;
  EXPECT_EQ(merge(global, file, false, false).home, "/file");
  EXPECT_EQ(merge(global, file, true, false).home, "");  // the library reads the variable
  EXPECT_EQ(merge(global, file, false, true).runtime_dir, "");
  EXPECT_EQ(merge(global, file, false, false).accelerator, Accelerator::kvm);
  global.home = "/option/./x";
  global.accelerator = Accelerator::automatic;
  EXPECT_EQ(merge(global, file, true, false).home, "/option/x");
  EXPECT_EQ(merge(global, file, true, false).accelerator, Accelerator::automatic);
}

TEST(GlobalOptionsTest, MakesARelativeHomeAbsolute) {
  GlobalOptions global;
  global.home = "some/where";
  EXPECT_TRUE(merge(global, {}, false, false).home.is_absolute());
}

TEST(GlobalOptionsTest, MergesRegistriesByHostInSearchOrder) {
  ConfigFile file;
  file.registries.resize(2);
  file.registries[0].host = "a";
  file.registries[0].mirror = "m";
  file.registries[1].host = "b";
  GlobalOptions global;
  global.registries = {"c", "a"};
  global.insecure_registries = {"a", "d"};
  const auto merged = merge(global, file, false, false).registries;
  ASSERT_EQ(merged.size(), 4u);
  EXPECT_EQ(merged[0].host, "c");
  EXPECT_TRUE(merged[0].search);
  EXPECT_EQ(merged[1].host, "a");
  EXPECT_EQ(merged[1].mirror, "m");
  EXPECT_TRUE(merged[1].search);
  EXPECT_TRUE(merged[1].insecure_http);
  EXPECT_EQ(merged[2].host, "b");
  EXPECT_FALSE(merged[2].search);
  EXPECT_EQ(merged[3].host, "d");
  EXPECT_TRUE(merged[3].insecure_http);
}

}  // namespace
}  // namespace boxlite::cli
