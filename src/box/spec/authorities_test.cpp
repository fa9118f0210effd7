// SPDX-License-Identifier: Apache-2.0
#include "box/spec/authorities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::box {
namespace {

TEST(Authorities, AreTheCertificatesOfTheirFilesAndNothingElse) {
  const auto dir = *TempDir::create("/tmp", "authorities-test-");
  const auto file = dir.path() / "both.pem";
  const std::string certificate =
      "-----BEGIN CERTIFICATE-----\nMAkwAQ\r\nAwAQADAQA=\n-----END CERTIFICATE-----\n";
  ASSERT_TRUE(write_file_atomic(file, "# a\n-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n" +
                                          certificate + "text\n" + certificate));
  EXPECT_EQ(*read_authorities({file, file}), certificate);
  EXPECT_EQ(*read_authorities({}), "");
  ASSERT_TRUE(write_file_atomic(file, "no certificate"));
  EXPECT_EQ(read_authorities({file}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(read_authorities({dir.path() / "none"}).error().code(), ErrorCode::not_found);
  EXPECT_THAT(read_authorities({dir.path() / "none"}).error().remedy(), testing::HasSubstr("PEM"));
  EXPECT_FALSE(check(std::vector<std::filesystem::path>{"relative.pem"}));
  EXPECT_TRUE(check(std::vector<std::filesystem::path>{"/a.pem", "system"}));
}

TEST(Authorities, HaveTheShapeOfCertificates) {
  const auto dir = *TempDir::create("/tmp", "authorities-test-");
  const auto file = dir.path() / "one.pem";
  const auto read = [&](std::string_view encoded, std::string_view end = "-----END CERTIFICATE-----\n") {
    EXPECT_TRUE(write_file_atomic(file, concat("-----BEGIN CERTIFICATE-----\n", encoded, "\n", end)));
    return read_authorities_at(file);
  };
  EXPECT_TRUE(read("MAkwAQAwAQADAQA="));
  EXPECT_THAT(read("AAAA").error().message(), testing::HasSubstr("number 1 of its certificates is damaged"));
  for (const auto* const wrong : {
           "", "hush", "!!!!", "AAAA",
           "MAkwAQAwAQADAQ==",  // cut short
           "MAkwAQAwAQADAQAA",  // more than it says
           "MAYwAQAwAQA=",      // no signature
           "MIAwAQAwAQADAQA=",  // a length told at the end
           "MIT///////8wAQA=",  // a longer length than there is
           "MAkwAQAwAQAEAQA=",  // the signature is no bits
       }) {
    EXPECT_EQ(read(wrong).error().code(), ErrorCode::invalid_argument) << wrong;
  }
  EXPECT_EQ(read("MAkwAQAwAQADAQA=", "").error().code(), ErrorCode::invalid_argument) << "no end";
}

}  // namespace
}  // namespace boxlite::box
