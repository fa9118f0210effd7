// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/box_filter.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

BoxInfo web() {
  BoxInfo box;
  box.id = "a1B2c3D4e5F6";
  box.spec.name = "web-1";
  box.spec.image = "docker.io/library/debian:12";
  box.spec.labels = {{"team", "blue"}, {"empty", ""}};
  box.health.status = HealthStatus::unhealthy;
  box.status = BoxStatus::stopped;
  return box;
}

bool passes(std::vector<std::string> filters) {
  BoxFilter filter;
  const auto accept = filter.accept();
  for (const auto& text : filters) EXPECT_EQ(accept(text), std::nullopt) << text;
  return filter.matches(web());
}

TEST(BoxFilterTest, TakesAnyValueOfAKeyAndAllKeys) {
  EXPECT_TRUE(passes({}));
  EXPECT_TRUE(passes({"status=stopped"}));
  EXPECT_TRUE(passes({"status=exited"}));
  EXPECT_FALSE(passes({"status=running"}));
  EXPECT_TRUE(passes({"status=running", "status=stopped"}));
  EXPECT_TRUE(passes({"name=web", "status=stopped"}));
  EXPECT_FALSE(passes({"name=db", "status=stopped"}));
  EXPECT_TRUE(passes({"id=a1B"}));
  EXPECT_FALSE(passes({"id=1B2"}));
}

TEST(BoxFilterTest, KnowsAnImageByItsShortName) {
  EXPECT_TRUE(passes({"ancestor=debian"}));
  EXPECT_TRUE(passes({"ancestor=debian:12"}));
  EXPECT_TRUE(passes({"ancestor=docker.io/library/debian:12"}));
  EXPECT_FALSE(passes({"ancestor=debian:13"}));
  EXPECT_FALSE(passes({"ancestor=alpine"}));
}

TEST(BoxFilterTest, WantsAllLabelsByKeyOrByKeyAndValue) {
  EXPECT_TRUE(passes({"label=team"}));
  EXPECT_TRUE(passes({"label=team=blue"}));
  EXPECT_TRUE(passes({"label=team=blue", "label=empty="}));
  EXPECT_FALSE(passes({"label=team=blue", "label=none"}));
  EXPECT_FALSE(passes({"label=team=red"}));
  EXPECT_FALSE(passes({"label=tea"}));
  EXPECT_FALSE(passes({"label=team="}));
}

TEST(BoxFilterTest, KnowsHowBoxesAre) {
  EXPECT_TRUE(passes({"health=unhealthy"}));
  EXPECT_TRUE(passes({"health=healthy", "health=unhealthy"}));
  EXPECT_FALSE(passes({"health=healthy"}));
}

TEST(BoxFilterTest, RefusesWhatIsNoFilter) {
  for (const auto* text : {"", "status", "status=", "=x", "colour=red", "health=ill"}) {
    EXPECT_NE(BoxFilter().accept()(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace boxlite::cli
