// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/tls/client_hello.h"

#include <gtest/gtest.h>

#include "base/concat.h"
#include "net/inspection/tls/tls_peers.h"

namespace boxlite::net {
namespace {

// What OpenSSL sends first.
std::string real_hello(const std::string& host, const std::vector<std::string>& protocols) {
  const auto client = *TlsClient::create();
  const auto tls = *client.begin(host, protocols);
  BIO* const outgoing = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), outgoing);
  EXPECT_LT(SSL_do_handshake(tls.get()), 0);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(outgoing, &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}

std::string number(std::size_t value, int width) {
  std::string bytes;
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string extension(std::size_t type, const std::string& content) {
  return number(type, 2) + number(content.size(), 2) + content;
}

std::string server_name(const std::string& name) {
  const auto entry = std::string(1, '\0') + number(name.size(), 2) + name;
  return extension(0, number(entry.size(), 2) + entry);
}

std::string message(const std::string& extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r') + std::string(1, '\0') + number(2, 2) + "\x13\x01" +
                     std::string("\x01\x00", 2) + number(extensions.size(), 2) + extensions;
  return "\x01" + number(body.size(), 3) + body;
}

std::string records(const std::string& message, std::size_t part) {
  std::string bytes;
  for (std::size_t at = 0; at < message.size(); at += part) {
    const auto piece = message.substr(at, part);
    bytes += "\x16\x03\x01" + number(piece.size(), 2) + piece;
  }
  return bytes;
}

TEST(ClientHello, IsReadFromARealClient) {
  const auto bytes = real_hello("api.example.com", {"h2", "http/1.1"});
  const auto hello = parse_client_hello(bytes);
  ASSERT_TRUE(hello && *hello);
  EXPECT_EQ((*hello)->server_name, "api.example.com");
  EXPECT_EQ((*hello)->protocols, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_FALSE((*hello)->has_encrypted_hello);
}

TEST(ClientHello, IsIncompleteUntilItsLastByte) {
  const auto bytes = real_hello("api.example.com", {"h2"});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto hello = parse_client_hello(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(hello) << size;
    EXPECT_FALSE(*hello) << size;
    EXPECT_TRUE(may_be_tls(std::string_view(bytes).substr(0, size)));
  }
}

TEST(ClientHello, MayBeCutIntoRecordsOfAnySize) {
  const auto whole = message(server_name("a.test"));
  for (std::size_t part = 1; part <= whole.size(); ++part) {
    const auto hello = parse_client_hello(records(whole, part));
    ASSERT_TRUE(hello && *hello) << part;
    EXPECT_EQ((*hello)->server_name, "a.test");
  }
}

TEST(ClientHello, NamesAreComparedInOneForm) {
  const auto hello = parse_client_hello(records(message(server_name("API.Example.COM.")), 1000));
  ASSERT_TRUE(hello && *hello);
  EXPECT_EQ((*hello)->server_name, "api.example.com");
}

TEST(ClientHello, NeedsNoServerName) {
  const auto hello = parse_client_hello(records(message(""), 1000));
  ASSERT_TRUE(hello && *hello);
  EXPECT_EQ((*hello)->server_name, "");
}

TEST(ClientHello, NotesAnEncryptedOneInside) {
  const auto hello =
      parse_client_hello(records(message(server_name("a.test") + extension(0xfe0d, "x")), 1000));
  ASSERT_TRUE(hello && *hello);
  EXPECT_TRUE((*hello)->has_encrypted_hello);
}

// What some server may read as TLS must not pass as a connection that shows no name.
TEST(ClientHello, OddRecordsAreTlsThatIsRefused) {
  const auto hello = records(message(server_name("a.test")), 1000);
  for (const std::string_view start : {std::string_view("\x16\x03\xff"), std::string_view("\x16\x00\x00", 3),
                                       std::string_view("\x16\x02\x01")}) {
    const auto odd = std::string(start) + hello.substr(3);
    EXPECT_TRUE(may_be_tls(odd));
    EXPECT_FALSE(parse_client_hello(odd));
  }
  const std::string alert("\x15\x03\x01\x00\x02\x01\x5a", 7);
  EXPECT_TRUE(may_be_tls(alert + hello));
  EXPECT_FALSE(parse_client_hello(alert + hello));
  EXPECT_FALSE(may_be_tls("\x15\x04"));
  EXPECT_FALSE(may_be_tls("GET"));
}

TEST(ClientHello, HostileOnesAreRefused) {
  const std::string zero(1, '\0');
  for (const auto& bytes : {
           std::string("GET / HTTP/1.1\r\n\r\n"), std::string("SSH-2.0-x\r\n"),
           std::string("\x16\x03\x01\x00\x00", 5),                  // an empty record
           std::string("\x16\x03\x01\xff\xff", 5),                  // a record that is too long
           records("\x02" + number(4, 3) + "abcd", 100),            // a ServerHello
           records("\x01" + number(max_client_hello + 1, 3), 100),  // more than we keep
           records(message(server_name("a.test") + server_name("b.test")), 1000),  // two names
           records(message(server_name(std::string("a\0b", 3))), 1000),  // a name that C reads otherwise
           records(message(server_name("a b")), 1000), records(message(server_name("")), 1000),
           records(message(server_name(std::string(256, 'a'))), 1000),
           records(message(extension(0, number(100, 2) + "x")), 1000),  // longer than it is
           records(message("\x01"), 1000),
           records(message(extension(16, number(2, 2) + zero + "x")), 1000),  // an empty protocol
       }) {
    EXPECT_FALSE(parse_client_hello(bytes)) << in_quotes(bytes);
  }
}

}  // namespace
}  // namespace boxlite::net
