// SPDX-License-Identifier: Apache-2.0
// The rules as network-policy.md tells them, written down a second time, and random flows through a gateway.
#include <algorithm>
#include <array>
#include <random>

#include <gmock/gmock.h>

#include "base/concat.h"
#include "base/files.h"
#include "net/gateway.h"
#include "net/test_guest.h"

namespace boxlite::net {
namespace {

enum class Outcome : std::uint8_t { passes, refused, asked };

// A destination, and what everybody can see of it.
struct Place {
  const char* address;
  enum class Kind : std::uint8_t { global, own, host, never } kind;
  // Ranges around it that a rule for it may have, and such that are about more.
  std::vector<std::string> ranges = {};
  std::vector<std::string> wide = {};
  const char* name = "";  // that our DNS gave for it
};

using Kind = Place::Kind;

const std::vector<Place>& places() {
  static const std::vector<Place> all = {
      {"203.0.113.7", Kind::global, {"203.0.113.7", "203.0.113.0/24"}, {"0.0.0.0/0"}, "a.example"},
      {"203.0.113.8", Kind::global, {"203.0.113.8", "203.0.113.0/24"}, {"0.0.0.0/0"}, "x.b.example"},
      {"198.51.100.1", Kind::global, {"198.51.100.0/30"}, {"0.0.0.0/0"}},
      {"2001:db8::7", Kind::global, {"[2001:db8::7]", "[2001:db8::/32]"}, {"[::/0]"}, "a.example"},
      {"64:ff9b::cb00:7107", Kind::global, {"203.0.113.7", "203.0.113.0/24"}, {"0.0.0.0/0"}, "a.example"},
      {"10.1.2.3", Kind::own, {"10.1.2.3", "10.0.0.0/8"}, {"0.0.0.0/0", "8.0.0.0/6"}, "a.example"},
      {"::ffff:10.1.2.3", Kind::own, {"10.1.2.3", "10.0.0.0/8"}, {"0.0.0.0/0", "8.0.0.0/6"}, "a.example"},
      {"127.0.0.1", Kind::own, {"127.0.0.1", "127.0.0.0/8"}, {"0.0.0.0/0"}},
      {"192.168.127.254",
       Kind::host,
       {"127.0.0.1", "127.0.0.0/8", "192.168.127.254", "host.boxlite.internal"},
       {"0.0.0.0/0"}},
      {"169.254.169.254", Kind::never, {"169.254.169.254"}, {"0.0.0.0/0"}, "a.example"},
      {"100.100.100.200", Kind::never, {"100.100.100.200"}, {"0.0.0.0/0"}},
  };
  return all;
}

struct SimpleRule {
  std::string host;
  std::uint16_t port = 0;  // 0: all

  std::string text() const { return port == 0 ? host : concat(host, ":", port); }
  bool fits(std::uint16_t given) const { return port == 0 || port == given; }
};

constexpr std::array<std::uint16_t, 4> ports = {22, 443, 8080, 9000};

bool has(const std::vector<std::string>& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

bool matches_name(const SimpleRule& rule, const Place& place) {
  const std::string name = place.name;
  if (name.empty()) return false;
  return rule.host == "*" || rule.host == name || (rule.host == "*.b.example" && name == "x.b.example");
}

bool matches(const SimpleRule& rule, const Place& place) {
  return rule.host == "*" || has(place.ranges, rule.host) || has(place.wide, rule.host) ||
         matches_name(rule, place);
}

class Model {
 public:
  std::vector<SimpleRule> allow = {};
  std::vector<SimpleRule> deny = {};
  bool is_asking = false;

  // Whoever inspects lets everything pass here.
  Outcome outcome(const Place& place, std::uint16_t port) const {
    const auto fits = [port](const SimpleRule& rule) { return rule.fits(port); };
    if (place.kind == Kind::never) return Outcome::refused;
    if (std::ranges::any_of(deny, [&](const auto& rule) { return fits(rule) && matches(rule, place); }))
      return Outcome::refused;
    if (place.kind != Kind::global) {
      const auto opens = [&](const auto& rule) { return fits(rule) && has(place.ranges, rule.host); };
      return std::ranges::any_of(allow, opens) ? Outcome::passes : Outcome::refused;
    }
    const auto opens = [&](const auto& rule) { return fits(rule) && matches(rule, place); };
    if ((allow.empty() && !is_asking) || std::ranges::any_of(allow, opens)) return Outcome::passes;
    return is_asking ? Outcome::asked : Outcome::refused;
  }
};

// Takes every connection, so that none leaves the machine.
class Taker final : public StreamHandler {
 public:
  void take(UniqueFd, const netpolicy::Flow&) override {}
  bool wants(const netpolicy::Flow&) const override { return true; }
};

class Trial {
 public:
  explicit Trial(unsigned seed) : random_(seed), loop_(*linux_::EventLoop::create()), guest_(*loop_) {
    model_.is_asking = pick(4) == 0;
    for (auto count = pick(4); count > 0; --count) model_.allow.push_back(rule());
    for (auto count = pick(3); count > 0; --count) model_.deny.push_back(rule());
    for (const auto& place : places()) {
      if (place.name[0] != '\0')
        names_.pin(place.name, *netpolicy::IpAddress::parse(place.address), std::chrono::hours(1));
    }
    gateway_ = *Gateway::create(*loop_, guest_.take_link(), directory_->path(),
                                {.policy = *netpolicy::Policy::create(spec()),
                                 .names = &names_,
                                 .inspector = &taker_,
                                 .ask = [this](const netpolicy::Flow&, auto) { ++asked_; }});
  }

  void run() {
    for (std::uint16_t port = 20'000; port < 20'020; ++port) {
      const auto& place = places()[pick(places().size())];
      const auto to = ports[pick(ports.size())];
      EXPECT_EQ(outcome(port, place, to), model_.outcome(place, to))
          << place.address << " port " << to << ", allow " << testing::PrintToString(spec().allow)
          << ", deny " << testing::PrintToString(spec().deny) << (model_.is_asking ? ", asking" : "");
    }
  }

 private:
  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  SimpleRule rule() {
    const std::array<std::string, 4> others = {"*", "a.example", "*.b.example", "c.example"};
    SimpleRule made;
    if (pick(2) == 0) {
      made.host = others[pick(others.size())];
    } else {
      const auto& place = places()[pick(places().size())];
      const auto& hosts = pick(3) == 0 ? place.wide : place.ranges;
      made.host = hosts[pick(hosts.size())];
    }
    if (pick(2) == 0) made.port = ports[pick(ports.size())];
    return made;
  }

  netpolicy::PolicySpec spec() const {
    netpolicy::PolicySpec made{.is_asking = model_.is_asking};
    for (const auto& one : model_.allow) made.allow.push_back(one.text());
    for (const auto& one : model_.deny) made.deny.push_back(one.text());
    return made;
  }

  Outcome outcome(std::uint16_t from, const Place& place, std::uint16_t to) {
    const auto before = gateway_->counters();
    const auto asked = asked_;
    guest_.send(TestPackets::tcp({.from = from,
                                  .to = {*netpolicy::IpAddress::parse(place.address), to},
                                  .sequence = 1,
                                  .flags = TcpFlags::syn}));
    do {
      const auto& now = gateway_->counters();
      if (now.connections > before.connections) return Outcome::passes;
      if (now.refusals > before.refusals) return Outcome::refused;
      if (asked_ > asked) return Outcome::asked;
    } while (*loop_->run_once(Deadline::after(std::chrono::seconds(5))));
    ADD_FAILURE() << "nothing was decided";
    return Outcome::refused;
  }

  std::mt19937 random_;
  Model model_;
  std::unique_ptr<linux_::EventLoop> loop_;
  Result<TempDir> directory_ = TempDir::create("/tmp", "rules-");
  TestGuest guest_;
  NameTable names_;
  Taker taker_;
  std::size_t asked_ = 0;
  std::unique_ptr<Gateway> gateway_;
};

TEST(GatewayRules, AreWhatTheDocumentSays) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Trial(seed).run();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace boxlite::net
