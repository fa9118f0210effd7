// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/authority.h"

#include <array>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::net {
namespace {

TEST(Authority, IsAHostAndPerhapsAPort) {
  EXPECT_EQ(parse_authority("A.Test."), (Authority{"a.test", {}}));
  EXPECT_EQ(parse_authority("a_b-c.test:"), (Authority{"a_b-c.test", {}}));
  EXPECT_EQ(parse_authority("a.test:00080"), (Authority{"a.test", 80}));
  EXPECT_EQ(parse_authority("192.0.2.1:65535"), (Authority{"192.0.2.1", 65535}));
  EXPECT_EQ(parse_authority("[2001:DB8:0:0::1]"), (Authority{"2001:db8::1", {}}));
  EXPECT_EQ(parse_authority("[::ffff:192.0.2.1]:443"), (Authority{"::ffff:192.0.2.1", 443}));
}

// What one reader takes for a port another takes for the end of user information, a list, or a path.
TEST(Authority, NothingElseStandsThere) {
  for (const std::string_view text : {"",
                                      ".",
                                      ":80",
                                      "a..test",
                                      ".a.test",
                                      "a.test..",
                                      "a:1@b.test",
                                      "a@b.test",
                                      ":@b.test",
                                      "a.test:80@b.test:80",
                                      "a.test,b.test",
                                      "a.test, b.test",
                                      "a.test b.test",
                                      "a.test:80 ",
                                      " a.test",
                                      "a.test:+80",
                                      "a.test:-1",
                                      "a.test:8 0",
                                      "a.test:80:80",
                                      "a.test:65536",
                                      "a.test:000080",
                                      "a.test:80/",
                                      "a.test/",
                                      "a.test?",
                                      "a.test#",
                                      "a.test\\b.test",
                                      "a%2etest",
                                      "a.test:%38",
                                      "\xc3\xa4.test",
                                      "a.test:\xd9\xa1",
                                      "a\tb",
                                      "2001:db8::1",
                                      "::1",
                                      "[]",
                                      "[",
                                      "[::1",
                                      "::1]",
                                      "[::1]a",
                                      "[::1]@b.test",
                                      "[::1]:80@b.test",
                                      "[::1].",
                                      "[fe80::1%25eth0]",
                                      "[192.0.2.1]",
                                      "[a.test]",
                                      "[v1.a]",
                                      "[::1]]",
                                      "[[::1]]",
                                      "[2001:db8::1::]",
                                      "x[::1]"}) {
    EXPECT_FALSE(parse_authority(text)) << in_quotes(text);
  }
  EXPECT_FALSE(parse_authority(std::string_view("a.test\0.b.test", 14)));
  EXPECT_FALSE(parse_authority(std::string(256, 'a')));
}

// Python's reader of RFC 3986, which is lenient: of what we take, it must understand the same.
constexpr std::string_view other_reader = R"(
import ipaddress, sys, urllib.parse
count = 0
for line in open(sys.argv[1]):
    text, host, port = line.rstrip('\n').split(' ')
    url = urllib.parse.urlsplit('http://' + bytes.fromhex(text).decode() + '/x')
    found = url.hostname.removesuffix('.')
    if ':' in found:
        found, host = ipaddress.IPv6Address(found), ipaddress.IPv6Address(host)
    if (found, str(url.port or ''), url.username) != (host, port, None):
        sys.exit(f'{bytes.fromhex(text)} is {host} {port} here and {found} {url.port} there')
    count += 1
sys.exit(0 if count > 500 else f'only {count} were compared')
)";

std::string mutated(std::mt19937& random) {
  static constexpr std::array<std::string_view, 9> hosts = {
      "api.test",         "A.b", "192.0.2.1", "[2001:db8::1]", "[::1]", "x_y-z.test.", "evil.test",
      "[::ffff:1.2.3.4]", "a"};
  static constexpr std::array<std::string_view, 26> parts = {
      ":",   "@", ",",     "/", "?", "#",  "\\", " ", "%2e", "%",  "80", "443", "65536",
      "081", "1", "user:", "[", "]", "::", ".",  "-", "_",   "\t", ";",  "&",   "\xd9\xa3"};
  const auto one_of = [&](const auto& choices) { return choices[random() % choices.size()]; };
  std::string text(one_of(hosts));
  for (auto changes = random() % 4; changes > 0; --changes) {
    switch (random() % 4) {
      case 0: text += one_of(parts); break;
      case 1: text = concat(one_of(parts), text); break;
      case 2: text += concat(":", one_of(parts)); break;
      default: text.insert(random() % (text.size() + 1), one_of(parts));
    }
  }
  return text;
}

std::string hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    constexpr std::string_view digit = "0123456789abcdef";
    digits += digit[static_cast<unsigned char>(c) >> 4];
    digits += digit[static_cast<unsigned char>(c) & 15];
  }
  return digits;
}

TEST(Authority, IsReadAsOthersReadIt) {
  const auto dir = *TempDir::create("/tmp", "authority-test-");
  std::mt19937 random(3986);
  std::string accepted;
  for (int round = 0; round < 10'000; ++round) {
    const auto text = mutated(random);
    const auto authority = parse_authority(text);
    if (!authority) continue;
    const auto port = authority->port.value_or(0);
    accepted += concat(hex(text), " ", authority->host, " ", port == 0 ? "" : concat(port), "\n");
  }
  ASSERT_TRUE(write_file_atomic(dir.path() / "accepted", accepted));
  ASSERT_TRUE(write_file_atomic(dir.path() / "reader.py", other_reader));
  const auto command =
      concat("python3 ", (dir.path() / "reader.py").string(), " ", (dir.path() / "accepted").string());
  EXPECT_EQ(std::system(command.c_str()),
            0);  // NOLINT(cert-env33-c,concurrency-mt-unsafe): a test of one thread
}

}  // namespace
}  // namespace boxlite::net
