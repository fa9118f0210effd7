// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/placeholder_filter.h"

#include <vector>

#include <gtest/gtest.h>

#include "net/inspection/http/substitution.h"

namespace boxlite::net {
namespace {

std::string filtered(const Replacements& replacements, std::string_view text, std::size_t piece) {
  PlaceholderFilter filter(replacements);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) filter.feed(text.substr(at, piece), out);
  filter.finish(out);
  return out;
}

TEST(PlaceholderFilter, TheCutsOfTheInputDoNotMatter) {
  const Replacements replacements(
      std::vector<Replacements::Pair>{{"<S:a>", "ONE"}, {"<S:ab>", ""}, {"aa", "b"}, {"<S:", "!"}});
  for (std::size_t piece = 1; piece < 40; ++piece) {
    EXPECT_EQ(filtered(replacements, "x<S:a><S:ab>aaa<S:<S:a<", piece), "xONEba!!a<") << piece;
  }
}

TEST(PlaceholderFilter, HoldsBackNothingButTheBeginningOfAWord) {
  const Replacements replacements(std::vector<Replacements::Pair>{{"<S:a>", "ONE"}});
  PlaceholderFilter filter(replacements);
  std::string out;
  filter.feed("data: x\n\n", out);
  EXPECT_EQ(out, "data: x\n\n");
  filter.feed("y<S", out);
  EXPECT_EQ(out, "data: x\n\ny");
  filter.feed(":b", out);
  EXPECT_EQ(out, "data: x\n\ny<S:b");
}

TEST(PlaceholderFilter, WhatWasPutInIsNotLookedAtAgain) {
  const Replacements replacements(std::vector<Replacements::Pair>{{"ab", "aab"}});
  EXPECT_EQ(filtered(replacements, "abb", 1), "aabb");
}

TEST(PlaceholderFilter, GrowthIsBounded) {
  const std::string value(60000, 'v');
  const Replacements replacements(std::vector<Replacements::Pair>{{"12345678", value}});
  EXPECT_LE(replacements.piece_for(64u << 10), 8u);
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += "12345678";
  EXPECT_EQ(replacements.apply(flood, 100000), std::nullopt);
  EXPECT_EQ(replacements.apply("12345678", 100000), value);
}

class SubstitutionTest : public ::testing::Test {
 protected:
  static netpolicy::Secret make(const std::string& name, std::string_view value) {
    return *netpolicy::Secret::create({name, {"a.test"}, ""}, netpolicy::SecretValue(value));
  }
  std::string substituted(std::string_view field, std::string value) const {
    EXPECT_TRUE(substitution_.substitute(field, value));
    return value;
  }
  netpolicy::Secret key_ = make("key", "real-value-1");
  netpolicy::Secret short_ = make("pin", "1234");
  netpolicy::Secret lines_ = make("pem", "line 1\nline 2");
  Substitution substitution_{{&key_, &short_, &lines_}};
};

TEST_F(SubstitutionTest, FieldsGetTheValue) {
  EXPECT_EQ(substituted("X-Key", "Bearer <BOXLITE_SECRET:key>"), "Bearer real-value-1");
  EXPECT_EQ(substituted("X-Key", "nothing"), "nothing");
  EXPECT_EQ(substituted("X-Key", "<BOXLITE_SECRET:other>"), "<BOXLITE_SECRET:other>");
}

TEST_F(SubstitutionTest, BasicCredentialsAreOpened) {
  // user:<BOXLITE_SECRET:key> and user:real-value-1
  EXPECT_EQ(substituted("Authorization", "Basic dXNlcjo8Qk9YTElURV9TRUNSRVQ6a2V5Pg=="),
            "Basic dXNlcjpyZWFsLXZhbHVlLTE=");
  EXPECT_EQ(substituted("authorization", "basic dXNlcjo8Qk9YTElURV9TRUNSRVQ6a2V5Pg=="),
            "Basic dXNlcjpyZWFsLXZhbHVlLTE=");
  EXPECT_EQ(substituted("X-Other", "Basic dXNlcjo8Qk9YTElURV9TRUNSRVQ6a2V5Pg=="),
            "Basic dXNlcjo8Qk9YTElURV9TRUNSRVQ6a2V5Pg==");
  EXPECT_EQ(substituted("Authorization", "Basic ???"), "Basic ???");
}

TEST_F(SubstitutionTest, AValueWithLinesCannotBreakAHead) {
  EXPECT_EQ(substituted("X-Key", "<BOXLITE_SECRET:pem>"), "<BOXLITE_SECRET:pem>");
  EXPECT_EQ(substitution_.to_server().apply("<BOXLITE_SECRET:pem>", 1000), "line 1\nline 2");
}

TEST_F(SubstitutionTest, ReflectedValuesAreMasked) {
  std::string value = "you sent real-value-1, pin 1234";
  EXPECT_TRUE(substitution_.mask(value));
  EXPECT_EQ(value, "you sent <BOXLITE_SECRET:key>, pin 1234");
  EXPECT_EQ(substitution_.to_guest_in_place().apply("=real-value-1=", 100), "=<BOXLITE_SEC=");
}

TEST(Secrets, AreForTheirHostsOnly) {
  const auto secret =
      *netpolicy::Secret::create({"k", {"api.test", "*.cdn.test:8443"}, ""}, netpolicy::SecretValue("v"));
  EXPECT_TRUE(secret.is_for("api.test", 443));
  EXPECT_FALSE(secret.is_for("api.test", 8443));
  EXPECT_FALSE(secret.is_for("x.api.test", 443));
  EXPECT_TRUE(secret.is_for("x.cdn.test", 8443));
  EXPECT_FALSE(secret.is_for("cdn.test", 8443));
  EXPECT_FALSE(secret.is_for("notapi.test", 443));
}

TEST(Secrets, BadOnesAreRefusedWithoutTellingTheValue) {
  const auto error = [](netpolicy::SecretSpec spec, std::string_view value) {
    const auto secret = netpolicy::Secret::create(spec, netpolicy::SecretValue(value));
    EXPECT_FALSE(secret);
    if (secret) return std::string();
    EXPECT_EQ(secret.error().message().find("hidden"), std::string::npos);
    return secret.error().message();
  };
  EXPECT_NE(error({"a b", {"a.test"}, ""}, "hidden").find("not a name"), std::string::npos);
  EXPECT_NE(error({"k", {}, ""}, "hidden").find("no host"), std::string::npos);
  EXPECT_NE(error({"k", {"192.0.2.1"}, ""}, "hidden").find("is not a name"), std::string::npos);
  EXPECT_NE(error({"k", {"a.test"}, "short"}, "hidden").find("placeholder"), std::string::npos);
  EXPECT_NE(error({"k", {"a.test"}, ""}, "").find("empty"), std::string::npos);
  EXPECT_NE(error({"k", {"a.test"}, ""}, std::string(netpolicy::longest_secret + 1, 'x')).find("64 KiB"),
            std::string::npos);
  EXPECT_FALSE(netpolicy::SecretSet::check({{"a-b", {"a.test"}, ""}, {"a_b", {"a.test"}, ""}}));
  EXPECT_EQ(netpolicy::secret_variable("api-key.v2"), "BOXLITE_SECRET_API_KEY_V2");
}

}  // namespace
}  // namespace boxlite::net
