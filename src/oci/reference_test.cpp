// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <gtest/gtest.h>

#include "base/concat.h"

namespace boxlite::oci {
namespace {

const std::string hex(64, 'a');
const std::string sha = "sha256:" + hex;

struct Known {
  std::string text;
  std::string full;
  std::string familiar;
};

class KnownReferenceTest : public testing::TestWithParam<Known> {};

TEST_P(KnownReferenceTest, IsNormalisedAndShortened) {
  const auto reference = Reference::parse(GetParam().text);
  ASSERT_TRUE(reference) << reference.error().message();
  EXPECT_EQ(reference->str(), GetParam().full);
  EXPECT_EQ(reference->familiar(), GetParam().familiar);
  for (const auto& form : {reference->str(), reference->familiar()}) {
    const auto again = Reference::parse(form);
    ASSERT_TRUE(again) << form;
    EXPECT_EQ(*again, *reference);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Grammar, KnownReferenceTest,
    testing::Values(Known{"alpine", "docker.io/library/alpine:latest", "alpine"},
                    Known{"alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"},
                    Known{"boxlite/base", "docker.io/boxlite/base:latest", "boxlite/base"},
                    Known{"a/b/c", "docker.io/a/b/c:latest", "a/b/c"},
                    Known{"docker.io/alpine", "docker.io/library/alpine:latest", "alpine"},
                    Known{"index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine"},
                    Known{"docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x"},
                    Known{"localhost/x", "localhost/x:latest", "localhost/x"},
                    Known{"localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
                    Known{"127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest", "127.0.0.1:5000/a/b"},
                    Known{"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x"},
                    Known{"ghcr.io/o/r:v1", "ghcr.io/o/r:v1", "ghcr.io/o/r:v1"},
                    Known{"REG.example/x", "REG.example/x:latest", "REG.example/x"},
                    Known{"Upper/x", "Upper/x:latest", "Upper/x"},
                    Known{"a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g:latest", "a__b/c--d/e.f_g"},
                    Known{"x:_T.a-g", "docker.io/library/x:_T.a-g", "x:_T.a-g"},
                    Known{"x@" + sha, "docker.io/library/x@" + sha, "x@" + sha},
                    Known{"x:1@" + sha, "docker.io/library/x:1@" + sha, "x:1@" + sha},
                    Known{"x:latest@" + sha, "docker.io/library/x:latest@" + sha, "x:latest@" + sha},
                    Known{"r.io:1/x@" + sha, "r.io:1/x@" + sha, "r.io:1/x@" + sha}));

TEST(ReferenceTest, RefusesWhatIsNoReference) {
  const std::string long_name(256, 'a');
  for (const std::string& text : {std::string(),
                                  std::string("/"),
                                  std::string("/x"),
                                  std::string("x/"),
                                  std::string("a//b"),
                                  std::string("x:"),
                                  std::string(":1"),
                                  std::string("x:-1"),
                                  std::string("x:" + std::string(129, 'a')),
                                  std::string("x:1:2"),
                                  std::string("Alpine"),
                                  std::string("a/B"),
                                  std::string("-a"),
                                  std::string("a-"),
                                  std::string("a..b"),
                                  std::string("a___b"),
                                  std::string("a.-b"),
                                  std::string("a b"),
                                  std::string("a\nb"),
                                  std::string("x@"),
                                  std::string("x@sha256:abc"),
                                  std::string("x@md5:" + hex),
                                  std::string("x@sha256:" + std::string(64, 'A')),
                                  std::string("host.io:0/x"),
                                  std::string("host.io:65536/x"),
                                  std::string("host.io:/x"),
                                  std::string("host.io:a/x"),
                                  std::string("-host.io/x"),
                                  std::string("ho..st/x"),
                                  std::string("[::1/x"),
                                  std::string("[zz]/x"),
                                  std::string("http://host/x"),
                                  std::string("../x"),
                                  std::string("x/../y"),
                                  std::string("x\0y", 3),
                                  long_name}) {
    const auto reference = Reference::parse(text);
    ASSERT_FALSE(reference) << text << " became " << reference->str();
    EXPECT_EQ(reference.error().code(), ErrorCode::invalid_argument);
  }
}

TEST(ReferenceTest, ANameOfFullLengthSurvivesBeingWrittenOut) {
  // "library/" counts.
  EXPECT_FALSE(Reference::parse(std::string(248, 'a')));
  for (const auto& text : {std::string(247, 'a'), "h.io/" + std::string(255, 'a')}) {
    const auto reference = Reference::parse(text);
    ASSERT_TRUE(reference) << reference.error().message();
    EXPECT_EQ(Reference::parse(reference->str()), *reference);
    EXPECT_EQ(Reference::parse(reference->familiar()), *reference);
  }
}

TEST(ReferenceTest, MovesAnUnqualifiedNameToARegistry) {
  const auto alpine = *Reference::parse("alpine:3");
  EXPECT_FALSE(alpine.registry_is_explicit());
  EXPECT_EQ(alpine.on_registry("reg.corp:5000").str(), "reg.corp:5000/alpine:3");
  EXPECT_EQ(alpine.on_registry("docker.io").str(), "docker.io/library/alpine:3");
  EXPECT_TRUE(alpine.on_registry("docker.io").registry_is_explicit());
  EXPECT_TRUE(Reference::parse("docker.io/alpine")->registry_is_explicit());
}

TEST(ReferenceTest, AsksForTheDigestRatherThanTheTag) {
  EXPECT_EQ(Reference::parse("x:1")->version(), "1");
  EXPECT_EQ(Reference::parse("x:1@" + sha)->version(), sha);
  EXPECT_EQ(Reference::parse("x:1")->with_digest(*Digest::parse(sha)).str(), "docker.io/library/x@" + sha);
}

}  // namespace
}  // namespace boxlite::oci
