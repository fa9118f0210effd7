// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite::netpolicy {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Policy> policy(const PolicySpec& spec) {
  auto created = Policy::create(spec);
  EXPECT_TRUE(created) << created.error().message();
  return *std::move(created);
}

std::shared_ptr<const Policy> allowing(std::vector<std::string> rules) {
  return policy({.allow = std::move(rules)});
}

Flow tcp(std::string_view address, std::uint16_t port, std::vector<std::string> names = {}) {
  return {.destination = IpAddress::parse(address).value(), .port = port, .names = std::move(names)};
}

Flow udp(std::string_view address, std::uint16_t port, std::vector<std::string> names = {}) {
  auto flow = tcp(address, port, std::move(names));
  flow.protocol = Protocol::udp;
  return flow;
}

Flow to_host(std::uint16_t port) {
  auto flow = tcp("127.0.0.1", port);
  flow.host_alias = IpAddress::parse("192.168.127.254");
  return flow;
}

constexpr auto allow = Decision::allow;
constexpr auto deny = Decision::deny;
constexpr auto inspect = Decision::inspect;
constexpr auto ask = Decision::ask;

TEST(Policy, WithoutRulesOpensThePublicInternet) {
  const auto open = policy({});
  EXPECT_EQ(open->decide(tcp("8.8.8.8", 443)).decision, allow);
  EXPECT_EQ(open->decide(udp("8.8.8.8", 443)).decision, allow);
  EXPECT_EQ(open->decide(tcp("2606:4700::1", 25)).decision, allow);
  for (const auto* address :
       {"10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "100.64.0.1", "fd00::1", "0.0.0.0", "169.254.169.254",
        "fe80::1", "224.0.0.1", "255.255.255.255", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "100.100.100.200"}) {
    EXPECT_EQ(open->decide(tcp(address, 80)).decision, deny) << address;
    EXPECT_EQ(open->decide(udp(address, 80)).decision, deny) << address;
  }
  EXPECT_EQ(open->decide(to_host(5432)).decision, deny);
  EXPECT_THAT(open->decide(to_host(5432)).reason, HasSubstr("host.boxlite.internal"));
}

TEST(Policy, OffDeniesAll) {
  const auto off = policy({.is_enabled = false});
  EXPECT_EQ(off->decide(tcp("8.8.8.8", 443)).decision, deny);
  EXPECT_FALSE(off->admits_name("example.com"));
  EXPECT_FALSE(Policy::create({.is_enabled = false, .allow = {"example.com"}}));
}

TEST(Policy, NeverReachesMetadata) {
  const auto careless =
      allowing({"*", "169.254.0.0/16", "169.254.169.254", "100.100.100.200", "fd00:ec2::/32", "0.0.0.0/0"});
  for (const auto* address :
       {"169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"})
    EXPECT_EQ(careless->decide(tcp(address, 80)).decision, deny) << address;
}

TEST(Policy, OpensPrivateAddressesOnlyByTheirRange) {
  for (const auto* wide : {"*", "0.0.0.0/0", "*.corp", "db.corp"}) {
    EXPECT_EQ(allowing({wide})->decide(tcp("10.1.2.3", 5432, {"db.corp"})).decision, deny) << wide;
  }
  EXPECT_EQ(allowing({"10.0.0.0/8:5432"})->decide(tcp("10.1.2.3", 5432)).decision, allow);
  EXPECT_EQ(allowing({"10.0.0.0/8:5432"})->decide(tcp("10.1.2.3", 5433)).decision, deny);
  EXPECT_EQ(allowing({"127.0.0.1"})->decide(tcp("127.0.0.1", 1)).decision, allow);
  EXPECT_EQ(allowing({"100.64.0.0/10"})->decide(tcp("100.64.0.1", 1)).decision, allow);
}

TEST(Policy, OpensTheHostByItsNameOrAddress) {
  EXPECT_EQ(allowing({"host.boxlite.internal:5432"})->decide(to_host(5432)).decision, allow);
  EXPECT_EQ(allowing({"host.boxlite.internal:5432"})->decide(to_host(22)).decision, deny);
  EXPECT_EQ(allowing({"127.0.0.0/8"})->decide(to_host(22)).decision, allow);
  EXPECT_EQ(allowing({"192.168.127.254"})->decide(to_host(22)).decision, allow);
  for (const auto* other : {"*", "*.internal", "192.168.0.0/16", "example.com"})
    EXPECT_EQ(allowing({other})->decide(to_host(22)).decision, deny) << other;
  const auto denied = policy({.allow = {"127.0.0.1"}, .deny = {"host.boxlite.internal"}});
  EXPECT_EQ(denied->decide(to_host(22)).decision, deny);
}

TEST(Policy, KnowsTheHostByDockersNameAsWell) {
  EXPECT_EQ(allowing({"Host.Docker.Internal:5432"})->decide(to_host(5432)).decision, allow);
  EXPECT_EQ(allowing({"host.docker.internal:5432"})->decide(to_host(22)).decision, deny);
  EXPECT_EQ(allowing({"*.docker.internal"})->decide(to_host(22)).decision, deny);
  for (const auto* rule :
       {"host.docker.internal", "*.docker.internal", "host.boxlite.internal", "*.boxlite.internal"}) {
    const auto denied = policy({.allow = {"127.0.0.1"}, .deny = {rule}});
    EXPECT_EQ(denied->decide(to_host(22)).decision, deny) << rule;
    EXPECT_FALSE(denied->admits_name("host.docker.internal")) << rule;
    EXPECT_FALSE(denied->admits_name("host.boxlite.internal")) << rule;
  }
  const auto named = allowing({"host.docker.internal"});
  EXPECT_TRUE(named->admits_name("host.boxlite.internal"));
  EXPECT_FALSE(named->admits_name("docker.internal"));
}

TEST(Policy, ReadsTheNameOfWebFlows) {
  const auto listed = allowing({"example.com", "*.example.org"});
  const auto flow = tcp("192.0.2.1", 443, {"example.com"});
  const auto verdict = listed->decide(flow);
  EXPECT_EQ(verdict.decision, inspect);
  EXPECT_EQ(verdict.rule, "example.com");
  EXPECT_EQ(listed->decide_named(flow, "Example.com.").decision, allow);
  EXPECT_EQ(listed->decide_named(flow, "www.example.org").decision, allow);
  EXPECT_EQ(listed->decide_named(flow, "evil.com").decision, deny);
  EXPECT_EQ(listed->decide_named(flow, "").decision, deny);
  EXPECT_EQ(listed->decide_named(flow, std::string_view("evil.com\0.example.org", 21)).decision, deny);
  EXPECT_EQ(listed->decide_named(flow, "192.0.2.1").decision, deny);
  EXPECT_EQ(listed->decide(tcp("192.0.2.1", 80, {"example.com"})).decision, inspect);
  EXPECT_EQ(listed->decide(tcp("192.0.2.1", 8443, {"example.com"})).decision, inspect);
  EXPECT_EQ(listed->decide(tcp("192.0.2.1", 22, {"example.com"})).decision, allow);
  EXPECT_EQ(listed->decide(tcp("192.0.2.1", 443)).decision, deny);
  EXPECT_EQ(listed->decide(tcp("192.0.2.1", 443, {"evil.com"})).decision, deny);
}

TEST(Policy, RefusesQuicToWhatOnlyANameAllows) {
  const auto listed = allowing({"example.com", "198.51.100.1"});
  EXPECT_EQ(listed->decide(udp("192.0.2.1", 443, {"example.com"})).decision, deny);
  EXPECT_EQ(listed->decide(udp("192.0.2.1", 123, {"example.com"})).decision, allow);
  EXPECT_EQ(listed->decide(udp("192.0.2.1", 123)).decision, deny);
  EXPECT_EQ(listed->decide(udp("198.51.100.1", 443)).decision, allow);
  EXPECT_EQ(listed->decide(tcp("198.51.100.1", 443)).decision, allow);
}

TEST(Policy, LetsPortsOfARuleCountForTheNameToo) {
  const auto listed = allowing({"example.com:443", "other.com:80"});
  const auto flow = tcp("192.0.2.1", 443, {"example.com"});
  EXPECT_EQ(listed->decide_named(flow, "other.com").decision, deny);
  EXPECT_EQ(listed->decide_named(flow, "example.com").decision, allow);
  EXPECT_TRUE(listed->admits_name("other.com"));
}

TEST(Policy, LetsDenyRulesWin) {
  const auto both =
      policy({.allow = {"*.example.com", "192.0.2.0/24"}, .deny = {"bad.example.com", "192.0.2.66", "*:25"}});
  EXPECT_EQ(both->decide(tcp("192.0.2.66", 5000)).rule, "192.0.2.66");
  EXPECT_EQ(both->decide(tcp("192.0.2.1", 25)).rule, "*:25");
  EXPECT_EQ(both->decide(tcp("192.0.2.1", 5000, {"bad.example.com"})).decision, deny);
  EXPECT_EQ(both->decide(tcp("192.0.2.1", 5000)).decision, allow);
  EXPECT_FALSE(both->admits_name("bad.example.com"));
  EXPECT_TRUE(both->admits_name("good.example.com"));
}

TEST(Policy, ReadsNamesWhenSomeAreDenied) {
  const auto watched = policy({.deny = {"evil.com", "*.evil.com"}});
  const auto flow = tcp("192.0.2.1", 443);
  EXPECT_EQ(watched->decide(flow).decision, inspect);
  EXPECT_EQ(watched->decide_named(flow, "www.evil.com").decision, deny);
  EXPECT_EQ(watched->decide_named(flow, "fine.com").decision, allow);
  EXPECT_EQ(watched->decide_named(flow, "").decision, allow);
  EXPECT_EQ(watched->decide(udp("192.0.2.1", 443)).decision, deny);
  EXPECT_EQ(watched->decide(tcp("192.0.2.1", 22)).decision, allow);
  EXPECT_EQ(policy({.deny = {"evil.com:22"}})->decide(flow).decision, allow);
}

TEST(Policy, AsksOnlyForWhatNobodyDecided) {
  const auto asking =
      policy({.allow = {"198.51.100.1"}, .deny = {"evil.com", "203.0.113.0/24"}, .is_asking = true});
  EXPECT_EQ(asking->decide(tcp("192.0.2.1", 22)).decision, ask);
  EXPECT_EQ(asking->decide(tcp("198.51.100.1", 22)).decision, allow);
  EXPECT_EQ(asking->decide(tcp("203.0.113.1", 22)).decision, deny);
  EXPECT_EQ(asking->decide(tcp("192.0.2.1", 22, {"evil.com"})).decision, deny);
  EXPECT_EQ(asking->decide(tcp("10.0.0.1", 22)).decision, deny);
  EXPECT_EQ(asking->decide(tcp("169.254.169.254", 80)).decision, deny);
  EXPECT_TRUE(asking->admits_name("unheard.of.com"));
  EXPECT_EQ(policy({.is_asking = true})->decide(tcp("192.0.2.1", 443)).decision, ask);
}

TEST(Policy, AdmitsNamesThatRulesName) {
  const auto listed =
      policy({.allow = {"example.com", "*.example.org:443", "10.0.0.0/8"}, .deny = {"tcp:example.com:25"}});
  EXPECT_TRUE(listed->admits_name("EXAMPLE.com."));
  EXPECT_TRUE(listed->admits_name("www.example.org"));
  EXPECT_FALSE(listed->admits_name("example.org"));
  EXPECT_FALSE(listed->admits_name("secret-bytes.evil.com"));
  EXPECT_FALSE(listed->admits_name(""));
  EXPECT_FALSE(listed->admits_name("exam ple.com"));
  EXPECT_TRUE(allowing({"*:5432"})->admits_name("evil.com"));
  EXPECT_FALSE(policy({.deny = {"*"}})->admits_name("evil.com"));
}

TEST(Policy, GivesNoAnswerThatLeadsInside) {
  const auto listed = allowing({"example.com", "10.0.0.0/8", "*"});
  EXPECT_TRUE(listed->admits_answer(*IpAddress::parse("192.0.2.1")));
  EXPECT_TRUE(listed->admits_answer(*IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(listed->admits_answer(*IpAddress::parse("192.168.0.1")));
  EXPECT_FALSE(listed->admits_answer(*IpAddress::parse("::ffff:127.0.0.1")));
  EXPECT_FALSE(listed->admits_answer(*IpAddress::parse("169.254.169.254")));
  EXPECT_FALSE(listed->admits_answer(*IpAddress::parse("0.0.0.0")));
}

TEST(Policy, PingsWhatRulesWithoutPortsAllow) {
  auto flow = tcp("192.0.2.1", 0, {"example.com"});
  flow.protocol = Protocol::icmp;
  EXPECT_EQ(allowing({"example.com"})->decide(flow).decision, allow);
  EXPECT_EQ(allowing({"example.com:443"})->decide(flow).decision, deny);
}

TEST(Policy, TellsWhichRuleIsWrong) {
  const auto created = Policy::create({.allow = {"example.com", "exam ple.com"}});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(created.error().message(), HasSubstr("at character 5"));
  EXPECT_FALSE(Policy::create({.allow = std::vector<std::string>(1025, "example.com")}));
}

// As public as its address looks.
TEST(Policy, TakesNeighboursForPrivate) {
  const Flow flow{.destination = IpAddress::parse("2001:db8:7::9").value(),
                  .port = 22,
                  .neighbourhood = Cidr::parse("2001:db8:7::/64")};
  const auto decide = [&](std::vector<std::string> rules) {
    return Policy::create({.allow = std::move(rules)}).value()->decide(flow).decision;
  };
  EXPECT_EQ(decide({}), Decision::deny);
  EXPECT_EQ(decide({"*"}), Decision::deny);
  EXPECT_EQ(decide({"::/0"}), Decision::deny);
  EXPECT_EQ(decide({"2001:db8::/32"}), Decision::deny);
  EXPECT_EQ(decide({"2001:db8:7::9"}), Decision::allow);
  EXPECT_EQ(decide({"2001:db8:7::/64"}), Decision::allow);
  const auto open = Policy::create({}).value();
  EXPECT_FALSE(open->admits_answer(flow.destination, flow.neighbourhood));
  EXPECT_TRUE(open->admits_answer(flow.destination));
  EXPECT_EQ(Policy::create({.is_asking = true}).value()->decide(flow).decision, Decision::deny);
}

}  // namespace
}  // namespace boxlite::netpolicy
