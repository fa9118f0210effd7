// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"

namespace boxlite::net {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

DnsName dns_name(std::string_view text) {
  return DnsName::from_host_name(text).value();
}

DnsMessage answer_to(std::string_view name) {
  DnsMessage message{.id = 0x1234, .is_response = true};
  message.questions.push_back({.name = dns_name(name)});
  return message;
}

// A header with these counts, then the bytes.
std::string raw(int questions, int answers, std::string_view body, int additional = 0) {
  return concat("\x12\x34\x81\x80\0"s, static_cast<char>(questions), '\0', static_cast<char>(answers),
                "\0\0\0"s, static_cast<char>(additional), body);
}

std::string error_of(std::string_view bytes) {
  const auto message = parse_dns_message(bytes);
  return message ? "none" : message.error().message();
}

TEST(DnsName, IsReadAsHostName) {
  EXPECT_EQ(dns_name("WWW.Example.com.").text(), "www.example.com");
  EXPECT_EQ(dns_name("a.b").wire(), "\1a\1b\0"s);
  EXPECT_EQ(DnsName().text(), "");
  EXPECT_FALSE(DnsName::from_host_name("a b"));
  EXPECT_FALSE(DnsName::from_host_name(""));
}

TEST(DnsName, EscapesWhatNoHostNameHas) {
  EXPECT_EQ(DnsName::from_wire("\3a.b\0"s).text(), "a\\46b");
  EXPECT_EQ(DnsName::from_wire("\4a\0\n\x80\0"s).text(), "a\\0\\10\\128");
  EXPECT_EQ(DnsName::from_wire("\1.\0"s).text(), "\\46");
}

TEST(DnsMessage, ComesBackAsItWent) {
  auto message = answer_to("www.example.com");
  message.edns_size = 1232;
  message.rcode = 16;  // needs EDNS
  message.answers = {
      {.owner = dns_name("www.example.com"),
       .type = dns_type::cname,
       .ttl = 5,
       .content = dns_name("x.example.com").wire()},
      address_record(dns_name("x.example.com"), *netpolicy::IpAddress::parse("192.0.2.1"), 300),
      address_record(dns_name("x.example.com"), *netpolicy::IpAddress::parse("2001:db8::1"), 300)};
  message.authority = {{.owner = dns_name("example.com"),
                        .type = dns_type::soa,
                        .ttl = 1,
                        .content = "\0\0"s + std::string(20, 'n')}};
  const auto bytes = encode(message);
  const auto read = parse_dns_message(bytes);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->id, 0x1234);
  EXPECT_EQ(read->rcode, 16);
  EXPECT_EQ(read->edns_size, 1232);
  EXPECT_TRUE(read->questions.at(0).is_like(message.questions.at(0)));
  ASSERT_EQ(read->answers.size(), 3u);
  EXPECT_EQ(read->answers[0].content, message.answers[0].content);
  EXPECT_EQ(read->answers[1].address(), netpolicy::IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(read->answers[2].address(), netpolicy::IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(read->answers[2].owner.text(), "x.example.com");
  EXPECT_EQ(read->authority.at(0).content, message.authority[0].content);
  EXPECT_EQ(encode(*read), bytes);
}

TEST(DnsMessage, IsCutToTheLimit) {
  auto message = answer_to("example.com");
  for (std::uint32_t i = 0; i < 100; ++i)
    message.answers.push_back(address_record(dns_name("example.com"), netpolicy::IpAddress::v4(i), 60));
  const auto bytes = encode(message, 512);
  EXPECT_LE(bytes.size(), 512u);
  const auto read = parse_dns_message(bytes);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->is_truncated);
  EXPECT_TRUE(read->answers.empty());
  EXPECT_FALSE(parse_dns_message(encode(message))->is_truncated);
}

TEST(DnsMessage, FollowsPointersOnlyBack) {
  const auto question = "\1a\0\0\1\0\1"s;  // at 12
  const auto record = [](std::string_view owner) { return concat(owner, "\0\1\0\1\0\0\0\5\0\4abcd"s); };
  EXPECT_EQ(error_of(raw(1, 1, question + record("\xc0\x0c"))), "none");
  EXPECT_THAT(error_of(raw(1, 1, question + record("\xc0\x13"))), HasSubstr("points forward"));  // to itself
  EXPECT_THAT(error_of(raw(1, 1, question + record("\xc0\xff"))), HasSubstr("points forward"));
  EXPECT_THAT(error_of(raw(1, 0, "\1a\xc0\x0c\0\1\0\1"s)), HasSubstr("points forward"));  // a loop
  EXPECT_THAT(error_of(raw(1, 0, "\xc0"s)), HasSubstr("ends too early"));
  EXPECT_THAT(error_of(raw(1, 0, "\x80xx\0\1\0\1"s)), HasSubstr("unknown kind"));
}

TEST(DnsMessage, BoundsNames) {
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += "\x3f"s + std::string(63, 'a');
  EXPECT_THAT(error_of(raw(1, 0, longest + "\0\0\1\0\1"s)), HasSubstr("longer than 255"));
  // Of pieces that are short each: every label points to the one before.
  std::string chain = "\x3f"s + std::string(63, 'a') + "\0"s;
  std::string body = chain + "\0\1\0\1"s;
  for (int i = 0; i < 10; ++i) {
    const auto previous = i == 0 ? 12 : 12 + 69 + (i - 1) * 70;
    body += "\x3f"s + std::string(63, 'b') + static_cast<char>(0xc0 | previous >> 8) +
            static_cast<char>(previous & 0xff) + "\0\1\0\1"s;
  }
  EXPECT_THAT(error_of(raw(11, 0, body)), HasSubstr("longer than 255"));
}

TEST(DnsMessage, RefusesWhatIsCut) {
  auto message = answer_to("www.example.com");
  message.edns_size = 1232;
  message.answers = {
      address_record(dns_name("www.example.com"), *netpolicy::IpAddress::parse("192.0.2.1"), 300)};
  const auto bytes = encode(message);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_dns_message(bytes.substr(0, size))) << size;
  EXPECT_FALSE(parse_dns_message(bytes + 'x'));
}

TEST(DnsMessage, RefusesWrongContents) {
  const auto record = [](std::string_view type_and_rest) { return raw(0, 1, concat('\0', type_and_rest)); };
  EXPECT_THAT(error_of(record("\0\1\0\1\0\0\0\5\0\3abc"s)), HasSubstr("not of its size"));
  EXPECT_THAT(error_of(record("\0\x1c\0\1\0\0\0\5\0\4abcd"s)), HasSubstr("not of its size"));
  EXPECT_THAT(error_of(record("\0\5\0\1\0\0\0\5\0\4\1a\0x"s)), HasSubstr("not as long as it says"));
  EXPECT_THAT(error_of(record("\0\x0f\0\1\0\0\0\5\0\1\0"s)), HasSubstr("ends too early"));
  EXPECT_THAT(error_of(record("\0\x29\4\xd0\0\0\0\0\0\0"s)), HasSubstr("wrong section"));
  const auto edns = "\0\0\x29\4\xd0\0\0\0\0\0\0"s;
  EXPECT_EQ(error_of(raw(0, 0, edns, 1)), "none");
  EXPECT_THAT(error_of(raw(0, 0, edns + edns, 2)), HasSubstr("twice"));
  EXPECT_THAT(error_of("\x12\x34\x81\x80\xff\xff\xff\xff\xff\xff\xff\xff"s), HasSubstr("too many records"));
}

TEST(DnsMessage, ReadsTheHeaderOfAnything) {
  EXPECT_FALSE(parse_dns_header("12345678901"));
  const auto header = parse_dns_header("\x12\x34\x29\0garbage!"s);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->id, 0x1234);
  EXPECT_EQ(header->opcode, 5);
  EXPECT_TRUE(header->wants_recursion);
  EXPECT_FALSE(header->is_response);
}

}  // namespace
}  // namespace boxlite::net
