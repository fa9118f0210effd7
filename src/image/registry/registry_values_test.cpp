// SPDX-License-Identifier: Apache-2.0
// The parts of the registry client that need no registry.
#include <gtest/gtest.h>

#include "image/archive/archive_names.h"
#include "image/archive/tar_contents.h"
#include "image/registry/credentials.h"
#include "image/registry/puller.h"
#include "image/registry/registry_answers.h"
#include "image/registry/registry_session.h"

namespace boxlite::image {
namespace {

std::vector<std::string> places(const char* name, const std::vector<RegistryConfig>& registries) {
  std::vector<std::string> result;
  for (const auto& place : candidates(*oci::Reference::parse(name), registries)) {
    result.push_back(place.registry.host + " " + place.reference.str());
  }
  return result;
}

TEST(CandidatesTest, AsksMirrorsFirstAndDockerHubLast) {
  const std::vector<RegistryConfig> registries{{.host = "a.corp", .search = true},
                                               {.host = "mirror.corp", .mirror_of = "docker.io"},
                                               {.host = "near.corp", .mirror_of = "a.corp"},
                                               {.host = "b.corp"}};
  EXPECT_EQ(places("x:1", registries), (std::vector<std::string>{"near.corp a.corp/x:1", "a.corp a.corp/x:1",
                                                                 "mirror.corp docker.io/library/x:1",
                                                                 "docker.io docker.io/library/x:1"}));
  EXPECT_EQ(places("b.corp/x:1", registries), std::vector<std::string>{"b.corp b.corp/x:1"});
  EXPECT_EQ(
      places("docker.io/x:1", registries),
      (std::vector<std::string>{"mirror.corp docker.io/library/x:1", "docker.io docker.io/library/x:1"}));
  EXPECT_EQ(places("x", {}), std::vector<std::string>{"docker.io docker.io/library/x:latest"});
}

TEST(RegistryConfigTest, NamesTheBadEntry) {
  EXPECT_TRUE(
      check({{.host = "localhost:5000"}, {.host = "reg.io", .path_prefix = "a/b"}, {.host = "[::1]:5000"}}));
  for (const RegistryConfig& bad :
       {RegistryConfig{.host = "https://reg.io"}, RegistryConfig{.host = "reg.io/x"},
        RegistryConfig{.host = ""}, RegistryConfig{.host = "plain"},
        RegistryConfig{.host = "reg.io", .mirror_of = "x/y"},
        RegistryConfig{.host = "reg.io", .path_prefix = "../x"},
        RegistryConfig{.host = "reg.io", .path_prefix = "/x"},
        RegistryConfig{.host = "reg.io", .auth = {.kind = RegistryAuth::Kind::bearer}}}) {
    const auto checked = check({bad});
    ASSERT_FALSE(checked) << bad.host;
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
  }
}

TEST(Base64Test, SurvivesARoundTrip) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                                  std::string("user:p\xff\0w", 8)}) {
    EXPECT_EQ(*decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(encode_base64("ab"), "YWI=");
  EXPECT_FALSE(decode_base64("a b"));
}

TEST(CredentialFileTest, ReadsDockersForms) {
  const auto file = parse_credential_file(
      R"({"auths":{"a":{"auth":"dTpwOng="},"b":{"identitytoken":"t"},"c":{}},"credHelpers":{"d":"x"},"credsStore":"y","extra":[1]})");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->auths.at("a").username, "u");
  EXPECT_EQ(file->auths.at("a").password, "p:x");
  EXPECT_EQ(file->auths.at("b").identity_token, "t");
  EXPECT_TRUE(file->auths.at("c").is_empty());
  EXPECT_EQ(file->helpers.at("d"), "x");
  EXPECT_EQ(file->default_helper, "y");
  for (const auto* text :
       {"", "[]", R"({"auths":[]})", R"({"auths":{"a":1}})", R"({"auths":{"a":{"auth":"!"}}})",
        R"({"auths":{"a":{"auth":"YQ=="}}})", R"({"credsStore":{}})"}) {
    EXPECT_FALSE(parse_credential_file(text)) << text;
  }
  EXPECT_EQ(parse_helper_answer(R"({"Username":"<token>","Secret":"s"})")->identity_token, "s");
}

TEST(RegistryAnswersTest, AreBoundedAndPrintable) {
  EXPECT_EQ(*parse_token_answer(R"({"token":"a","access_token":"b"})"), "a");
  EXPECT_EQ(*parse_token_answer(R"({"access_token":"b"})"), "b");
  EXPECT_FALSE(parse_token_answer("{}"));
  EXPECT_FALSE(parse_token_answer(R"({"token":"a\r\nX-Evil: 1"})"));
  EXPECT_EQ(describe_errors(R"({"errors":[{"code":"DENIED","message":"no"}]})"), "DENIED: no");
  EXPECT_EQ(describe_errors("<html>"), "");
  EXPECT_EQ(describe_errors(R"({"errors":[]})"), "");
  const auto long_text =
      describe_errors(R"({"errors":[{"code":"X","message":")" + std::string(9000, 'a') + "\\n\"}]}");
  EXPECT_LE(long_text.size(), 400u);
  EXPECT_EQ(long_text.find('\n'), std::string::npos);
}

TEST(RetryAfterTest, ReadsSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("7"), std::chrono::seconds(7));
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), std::chrono::seconds(0));
  EXPECT_FALSE(parse_retry_after("soon"));
  EXPECT_FALSE(parse_retry_after(""));
  EXPECT_FALSE(parse_retry_after("-5"));
}

TEST(LoopbackTest, KnowsTheHostPartOnly) {
  for (const auto* host : {"localhost", "localhost:5000", "127.0.0.1:1", "127.1.2.3", "[::1]:5000"})
    EXPECT_TRUE(is_loopback_registry(host)) << host;
  for (const auto* host : {"docker.io", "localhost.evil.com", "1127.0.0.1", "127.evil.com", "[::2]:5000"})
    EXPECT_FALSE(is_loopback_registry(host)) << host;
}

TEST(ArchiveNamesTest, TakesTheNameFromTheFile) {
  EXPECT_EQ(name_from_file("/tmp/Debian.tar.gz"), "debian");
  EXPECT_EQ(name_from_file("a/b-c.oci.tar"), "b-c");
  EXPECT_EQ(name_from_file("layout/"), "layout");
  EXPECT_EQ(name_from_file("_.tar"), "");
  EXPECT_EQ(name_from_file(""), "");
}

TEST(TarContentsTest, NormalisesNamesWithoutLeavingTheArchive) {
  EXPECT_EQ(normal_name("./a//b/./c/"), "a/b/c");
  EXPECT_EQ(normal_name("/a/../b"), "b");
  EXPECT_FALSE(normal_name("../a"));
  EXPECT_FALSE(normal_name("a/../../b"));
  EXPECT_EQ(normal_name(""), "");
}

}  // namespace
}  // namespace boxlite::image
