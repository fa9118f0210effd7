// SPDX-License-Identifier: Apache-2.0
#include "net/dns/host_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/files.h"

namespace boxlite::net {
namespace {

TEST(NameServers, AreTakenFromResolvConf) {
  const auto servers = parse_name_servers(
      "# a comment\nsearch corp\nnameserver 192.0.2.1 ; first\n  nameserver\t2001:db8::1\nnameserver "
      "fe80::1%eth0\n"
      "nameserver\nnameservers 192.0.2.9\noptions ndots:5\nnameserver 192.0.2.2\r\nnameserver 192.0.2.3");
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers[0].address.str(), "192.0.2.1");
  EXPECT_EQ(servers[1].address.str(), "2001:db8::1");
  EXPECT_EQ(servers[2].address.str(), "192.0.2.2");
  EXPECT_EQ(servers[0].port, 53);
}

TEST(NameServers, AreTheHostItselfWithoutAny) {
  EXPECT_EQ(parse_name_servers("").at(0).address.str(), "127.0.0.1");
  EXPECT_EQ(parse_name_servers("nameserver nonsense").at(0).address.str(), "127.0.0.1");
}

TEST(Hosts, AreReadByName) {
  const auto hosts = parse_hosts(
      "127.0.0.1 localhost\n192.0.2.1\tDB.corp db # the base\n2001:db8::1 db.corp\n#192.0.2.9 gone\nbad "
      "line\n192.0.2.3\n"
      "192.0.2.4 na\x01me ok.name");
  EXPECT_EQ(hosts.at("db.corp").size(), 2u);
  EXPECT_EQ(hosts.at("db").at(0).str(), "192.0.2.1");
  EXPECT_EQ(hosts.at("ok.name").at(0).str(), "192.0.2.4");
  EXPECT_EQ(hosts.size(), 4u);
}

TEST(HostFile, TellsChanges) {
  const auto directory = TempDir::create(std::filesystem::temp_directory_path(), "hosts").value();
  const auto path = directory.path() / "hosts";
  HostFile file(path);
  EXPECT_EQ(file.changed_text(), "");
  EXPECT_EQ(file.changed_text(), std::nullopt);
  ASSERT_TRUE(write_file_atomic(path, "one"));
  EXPECT_EQ(file.changed_text(), "one");
  EXPECT_EQ(file.changed_text(), std::nullopt);
  ASSERT_TRUE(write_file_atomic(path, "two"));
  EXPECT_EQ(file.changed_text(), "two");
  std::filesystem::remove(path);
  EXPECT_EQ(file.changed_text(), "");
}

}  // namespace
}  // namespace boxlite::net
