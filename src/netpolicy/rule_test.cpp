// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite::netpolicy {
namespace {

Rule rule(std::string_view text) {
  auto parsed = Rule::parse(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message();
  return *std::move(parsed);
}

bool fits_address(std::string_view text, std::string_view address) {
  return rule(text).matches_address(IpAddress::parse(address)->canonical());
}

TEST(Rule, MatchesNames) {
  EXPECT_TRUE(rule("Example.COM.").matches_name("example.com"));
  EXPECT_FALSE(rule("example.com").matches_name("www.example.com"));
  EXPECT_TRUE(rule("*.example.com").matches_name("www.example.com"));
  EXPECT_TRUE(rule("*.example.com").matches_name("a.b.example.com"));
  EXPECT_FALSE(rule("*.example.com").matches_name("example.com"));
  EXPECT_FALSE(rule("*.example.com").matches_name("badexample.com"));
  EXPECT_FALSE(rule("*.example.com").matches_name(".example.com"));
  EXPECT_TRUE(rule("*").matches_name("any.thing"));
  EXPECT_TRUE(rule("xn--mnchen-3ya.de").matches_name("xn--mnchen-3ya.de"));
  EXPECT_TRUE(rule("_dmarc.example.com").matches_name("_dmarc.example.com"));
  EXPECT_FALSE(rule("10.0.0.0/8").matches_name("10.0.0.1"));
  EXPECT_TRUE(rule("localhost").matches_name("localhost"));
}

TEST(Rule, MatchesAddresses) {
  EXPECT_TRUE(fits_address("192.0.2.1", "192.0.2.1"));
  EXPECT_TRUE(fits_address("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_FALSE(fits_address("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(fits_address("10.0.0.0/8", "10.255.0.1"));
  EXPECT_TRUE(fits_address("2001:db8::1", "2001:db8::1"));
  EXPECT_TRUE(fits_address("[2001:db8::]", "2001:db8::"));
  EXPECT_TRUE(fits_address("fc00::/7", "fd00::1"));
  EXPECT_TRUE(fits_address("[fc00::/7]:443", "fd00::1"));
  EXPECT_TRUE(fits_address("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(fits_address("::/0", "10.1.2.3"));
  EXPECT_TRUE(fits_address("*", "10.1.2.3"));
  EXPECT_FALSE(fits_address("example.com", "10.1.2.3"));
}

TEST(Rule, NamesOnlyRangesOfOneScope) {
  const auto names = [](std::string_view text, std::string_view address) {
    return rule(text).names_address(*IpAddress::parse(address));
  };
  EXPECT_TRUE(names("10.0.0.0/8", "10.1.2.3"));
  EXPECT_TRUE(names("127.0.0.1", "127.0.0.1"));
  EXPECT_TRUE(names("100.64.0.0/10", "100.64.0.1"));
  EXPECT_FALSE(names("0.0.0.0/0", "10.1.2.3"));
  EXPECT_FALSE(names("8.0.0.0/6", "10.1.2.3"));
  EXPECT_FALSE(names("*", "10.1.2.3"));
}

TEST(Rule, FitsPortsAndProtocols) {
  EXPECT_TRUE(rule("example.com").fits(Protocol::udp, 53));
  EXPECT_TRUE(rule("example.com").fits(Protocol::icmp, 0));
  const auto ports = rule("tcp:example.com:80,8000-8010,443");
  for (const int port : {80, 443, 8000, 8010})
    EXPECT_TRUE(ports.fits(Protocol::tcp, static_cast<std::uint16_t>(port))) << port;
  for (const int port : {79, 81, 7999, 8011})
    EXPECT_FALSE(ports.fits(Protocol::tcp, static_cast<std::uint16_t>(port))) << port;
  EXPECT_FALSE(ports.fits(Protocol::udp, 80));
  EXPECT_FALSE(rule("example.com:1-65535").fits(Protocol::icmp, 0));
  EXPECT_TRUE(rule("UDP:*:53").fits(Protocol::udp, 53));
  EXPECT_TRUE(rule("[::1]:22").fits(Protocol::tcp, 22));
  EXPECT_FALSE(rule("[::1]:22").fits(Protocol::tcp, 23));
  EXPECT_TRUE(rule("example.com").is_for_every_port());
  EXPECT_FALSE(rule("tcp:example.com").is_for_every_port());
}

struct Mistake {
  const char* text;
  const char* place;
};

TEST(Rule, TellsThePlaceOfAMistake) {
  const Mistake mistakes[] = {
      {"", "at character 1,"},
      {"tcp:", "at character 5,"},
      {":80", "at character 1,"},
      {"https://example.com/", "at character 1, \"https://\": a rule names a host, not a URL"},
      {"example.com:", "at character 13, \"\""},
      {"example.com:0", "at character 13, \"0\""},
      {"example.com:65536", "at character 13, \"65536\""},
      {"example.com:80,", "at character 16, \"\""},
      {"example.com:80-", "at character 16, \"\""},
      {"example.com:90-80", "at character 13, \"90-80\": the range ends before it begins"},
      {"example.com:http", "at character 13, \"http\""},
      {"exa mple.com", "at character 4, \" mple.com\""},
      {"tcp:m\xc3\xbcnchen.de", "at character 6,"},
      {"a..b", "at character 1, \"a..b\": this is not a host name"},
      {"www.*.com", "at character 5, \"*\""},
      {"*.*.com", "at character 3, \"*\""},
      {"*example.com", "at character 1, \"*\""},
      {"*.", "at character 3,"},
      {"10.0.0.1/8", "the range is 10.0.0.0/8"},
      {"10.0.0.0/33", "at character 9, \"/33\""},
      {"10.0.0/8", "at character 1, \"10.0.0/8\""},
      {"256.0.0.1", "at character 1, \"256.0.0.1\""},
      {"2001:db8::x", "at character 1,"},
      {"[::1", "the bracket is not closed"},
      {"[::1]80", "at character 6, \"80\""},
      {"[10.0.0.1]:80", "at character 2, \"10.0.0.1\""},
      {"2002:a00::/24", "name the IPv4 addresses themselves"},
      {"80", "neither an address"},
  };
  for (const auto& [text, place] : mistakes) {
    const auto parsed = Rule::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::invalid_argument) << text;
    EXPECT_THAT(parsed.error().message(), testing::HasSubstr(place)) << text;
  }
}

TEST(Rule, BoundsWhatItTakes) {
  EXPECT_FALSE(Rule::parse(std::string(254, 'a')));
  EXPECT_FALSE(Rule::parse(std::string(64, 'a') + ".com"));
  EXPECT_FALSE(Rule::parse("example.com:" + std::string(5000, '1')));
  EXPECT_FALSE(Rule::parse(std::string_view("example.com\0", 12)));
  const auto parsed = Rule::parse(std::string(100000, '\n'));
  ASSERT_FALSE(parsed);
  EXPECT_LT(parsed.error().message().size(), 3000u);
  EXPECT_EQ(parsed.error().message().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace boxlite::netpolicy
