// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/address.h"

#include <gtest/gtest.h>

namespace boxlite::netpolicy {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

TEST(IpAddress, SaysWhatItRead) {
  for (const auto* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1"})
    EXPECT_EQ(ip(text).str(), text);
  EXPECT_EQ(ip("2001:DB8:0::0:1").str(), "2001:db8::1");
}

TEST(IpAddress, RefusesOddForms) {
  for (const auto* text :
       {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "010.1.1.1", "0x7f.0.0.1", " 1.2.3.4", "1.2.3.4 ",
        "[::1]", "fe80::1%eth0", ":::", "1::2::3", "12345::", "::ffff:1.2.3.256"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
  EXPECT_FALSE(IpAddress::parse(std::string(100000, '1')));
}

struct Placed {
  const char* address;
  Scope scope;
};

TEST(IpAddress, KnowsItsScope) {
  const Placed cases[] = {
      {"8.8.8.8", Scope::global},
      {"2606:4700::1111", Scope::global},
      {"0.0.0.0", Scope::unspecified},
      {"0.1.2.3", Scope::unspecified},
      {"::", Scope::unspecified},
      {"127.0.0.1", Scope::loopback},
      {"127.255.255.255", Scope::loopback},
      {"::1", Scope::loopback},
      {"9.255.255.255", Scope::global},
      {"10.0.0.0", Scope::private_range},
      {"11.0.0.0", Scope::global},
      {"172.15.255.255", Scope::global},
      {"172.16.0.0", Scope::private_range},
      {"172.31.255.255", Scope::private_range},
      {"172.32.0.0", Scope::global},
      {"192.168.127.254", Scope::private_range},
      {"fd12::1", Scope::private_range},
      {"fec0::1", Scope::private_range},
      {"100.63.255.255", Scope::global},
      {"100.64.0.0", Scope::cgnat},
      {"100.127.255.255", Scope::cgnat},
      {"100.128.0.0", Scope::global},
      {"169.254.169.254", Scope::link_local},
      {"fe80::1", Scope::link_local},
      {"febf::1", Scope::link_local},
      {"100.100.100.200", Scope::metadata},
      {"168.63.129.16", Scope::metadata},
      {"fd00:ec2::254", Scope::metadata},
      {"224.0.0.251", Scope::multicast},
      {"ff02::1", Scope::multicast},
      {"255.255.255.255", Scope::reserved},
      {"240.0.0.1", Scope::reserved},
  };
  for (const auto& [address, scope] : cases) EXPECT_EQ(name(ip(address).scope()), name(scope)) << address;
}

TEST(IpAddress, IsJudgedAsTheOneInside) {
  const Placed cases[] = {
      {"::ffff:127.0.0.1", Scope::loopback},
      {"::ffff:8.8.8.8", Scope::global},
      {"::7f00:1", Scope::loopback},  // compatible
      {"64:ff9b::10.0.0.1", Scope::private_range},
      {"64:ff9b::a9fe:a9fe", Scope::link_local},
      {"64:ff9b:1::808:808", Scope::private_range},
      {"2002:a9fe:a9fe::1", Scope::link_local},  // 6to4
      {"2002:808:808::1", Scope::global},
      {"::ffff:0:10.0.0.1", Scope::private_range},                // translated
      {"2001:0:808:808:0:ffff:f5ff:fffe", Scope::private_range},  // Teredo, of 10.0.0.1
      {"2001:0:808:808:0:ffff:f7f7:f7f7", Scope::global},
      {"2001:db8::5efe:10.0.0.1", Scope::private_range},  // ISATAP
      {"2001:db8::200:5efe:127.0.0.1", Scope::loopback},
      {"2001:db8::5efe:8.8.8.8", Scope::global},
  };
  for (const auto& [address, scope] : cases) EXPECT_EQ(name(ip(address).scope()), name(scope)) << address;
  EXPECT_EQ(ip("::ffff:192.0.2.7").canonical(), ip("192.0.2.7"));
  EXPECT_EQ(ip("::1").canonical(), ip("::1"));
  EXPECT_EQ(ip("2001:db8::c000:207").canonical(), ip("2001:db8::c000:207"));
}

TEST(IpAddress, GoesThroughSockaddr) {
  for (const auto* text : {"192.0.2.1", "2001:db8::1"}) {
    sockaddr_storage storage;
    EXPECT_GT(ip(text).to_sockaddr(8080, storage), 0u);
    EXPECT_EQ(IpAddress::from_sockaddr(storage), ip(text));
    EXPECT_EQ(port_of(storage), 8080);
  }
  sockaddr_storage unix_address = {};
  unix_address.ss_family = AF_UNIX;
  EXPECT_FALSE(IpAddress::from_sockaddr(unix_address));
}

TEST(Cidr, HoldsWhatBeginsAlike) {
  const auto range = Cidr::parse("172.16.0.0/12").value();
  EXPECT_TRUE(range.contains(ip("172.31.255.255")));
  EXPECT_FALSE(range.contains(ip("172.32.0.0")));
  EXPECT_FALSE(range.contains(ip("::ffff:172.16.0.1")));  // callers pass canonical ones
  EXPECT_EQ(range.last(), ip("172.31.255.255"));
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(ip("255.255.255.255")));
  EXPECT_TRUE(Cidr::parse("::/0")->contains(ip("ffff::")));
  EXPECT_TRUE(Cidr::parse("2001:db8::/33")->contains(ip("2001:db8:7fff::")));
  EXPECT_FALSE(Cidr::parse("2001:db8::/33")->contains(ip("2001:db8:8000::")));
  EXPECT_TRUE(Cidr::parse("192.0.2.1")->contains(ip("192.0.2.1")));
  EXPECT_FALSE(Cidr::parse("192.0.2.1")->contains(ip("192.0.2.0")));
}

TEST(Cidr, RefusesOddPrefixes) {
  for (const auto* text : {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "::/129",
                           "/8", "10.0.0.0/08x", "10.0.0.0/4294967304"})
    EXPECT_FALSE(Cidr::parse(text)) << text;
}

}  // namespace
}  // namespace boxlite::netpolicy
