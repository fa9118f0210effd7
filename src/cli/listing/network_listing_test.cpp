// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/network_listing.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

using namespace std::chrono_literals;

NetworkRecord refusal() {
  return {.time = std::chrono::sys_time<std::chrono::nanoseconds>(1700000000123ms),
          .type = "flow",
          .protocol = "tcp",
          .name = "evil.com",
          .address = "192.0.2.1",
          .port = 443,
          .verdict = "deny",
          .reason = "no rule allows it"};
}

TEST(NetworkListing, ShowsARecordInALine) {
  EXPECT_EQ(network_record_text(refusal()),
            "2023-11-14T22:13:20.123Z deny tcp evil.com 192.0.2.1:443 (no rule allows it)");
  auto record = refusal();
  record.address = "2001:db8::1";
  record.name.clear();
  record.rule = "*:443";
  record.reason.clear();
  EXPECT_EQ(network_record_text(record), "2023-11-14T22:13:20.123Z deny tcp [2001:db8::1]:443 (rule *:443)");
  record = {.type = "flow_end", .protocol = "udp", .address = "192.0.2.1", .port = 53, .duration = 1500ms};
  EXPECT_EQ(network_record_text(record),
            "1970-01-01T00:00:00.000Z flow_end udp 192.0.2.1:53 (sent 0 B, received 0 B, 1.500 s)");
  EXPECT_EQ(network_record_text({.type = "dns", .name = "a.com", .verdict = "allow", .reason = "A"}),
            "1970-01-01T00:00:00.000Z allow dns a.com (A)");
}

TEST(NetworkListing, LetsNoGuestWriteToTheTerminal) {
  auto record = refusal();
  record.name = "a\x1b[2J\nb";
  const auto text = network_record_text(record);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(NetworkListing, ShowsARecordAsJson) {
  EXPECT_EQ(network_record_json(refusal()),
            R"({"time":"2023-11-14T22:13:20.123Z","type":"flow","protocol":"tcp","name":"evil.com",)"
            R"("address":"192.0.2.1","port":443,"verdict":"deny","reason":"no rule allows it"})");
}

TEST(NetworkListing, ShowsAPolicy) {
  EXPECT_EQ(policy_text({}), "allow all public addresses\n");
  EXPECT_EQ(policy_text({.is_enabled = false}), "no network\n");
  EXPECT_EQ(policy_text({.allow = {"a.com"}, .deny = {"*:25"}}), "deny *:25\nallow a.com\ndeny all else\n");
  EXPECT_EQ(policy_text({.ask = true}), "ask for all other public addresses\n");
}

}  // namespace
}  // namespace boxlite::cli
