// SPDX-License-Identifier: Apache-2.0
#include "image/registry/challenge.h"

#include <gtest/gtest.h>

namespace boxlite::image {
namespace {

using Parameters = std::map<std::string, std::string>;

TEST(ChallengeTest, ReadsABearerChallenge) {
  const auto found = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].scheme, "bearer");
  EXPECT_EQ(found[0].parameters, (Parameters{{"realm", "https://auth.docker.io/token"},
                                             {"service", "registry.docker.io"},
                                             {"scope", "repository:a/b:pull,push"}}));
}

TEST(ChallengeTest, ReadsSeveralChallengesAndOddSpacing) {
  const auto found = parse_challenges(R"(Negotiate, BASIC Realm = "a \"b\"" , Bearer realm=x)");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].scheme, "negotiate");
  EXPECT_EQ(found[1].scheme, "basic");
  EXPECT_EQ(found[1].parameters.at("realm"), R"(a "b")");
  EXPECT_EQ(found[2].parameters.at("realm"), "x");
}

TEST(ChallengeTest, EndsAtNonsense) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("=,=").empty());
  EXPECT_EQ(parse_challenges(R"(Bearer realm="open)").size(), 1u);
  EXPECT_EQ(parse_challenges("Bearer realm=").size(), 1u);
  EXPECT_LE(parse_challenges(std::string(100'000, 'a')).size(), 1u);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Basic, ";
  EXPECT_LE(parse_challenges(many).size(), 16u);
}

}  // namespace
}  // namespace boxlite::image
