// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/audit_log.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace boxlite::netpolicy {
namespace {

using namespace std::chrono_literals;
using testing::StartsWith;

class AuditLogTest : public testing::Test {
 protected:
  TempDir directory_ = TempDir::create(std::filesystem::temp_directory_path(), "audit").value();
  std::filesystem::path path_ = directory_.path() / "network.log";

  static std::vector<AuditRecord> records(const std::filesystem::path& path) {
    std::vector<AuditRecord> read;
    auto text = read_file(path).value_or("");
    for (std::string_view rest = text; !rest.empty();) {
      const auto line = rest.substr(0, rest.find('\n'));
      if (auto record = parse_audit_record(line)) read.push_back(*std::move(record));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    return read;
  }
};

Flow some_flow() {
  return {.destination = IpAddress::parse("192.0.2.1").value(), .port = 443, .names = {"example.com"}};
}

TEST_F(AuditLogTest, KeepsDecisions) {
  {
    AuditLog log(path_);
    log.append(audit_of(some_flow(), {Decision::deny, "evil.com", "because"}));
    log.append(audit_end(some_flow(), 10, 20, 30ms));
    log.append({.kind = AuditRecord::Kind::dns, .name = "x.com", .verdict = "allow", .reason = "A"});
  }
  const auto kept = records(path_);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].verdict, "deny");
  EXPECT_EQ(kept[0].rule, "evil.com");
  EXPECT_EQ(kept[0].name, "example.com");
  EXPECT_EQ(kept[0].address, some_flow().destination);
  EXPECT_EQ(kept[0].port, 443);
  EXPECT_NEAR(static_cast<double>((now() - kept[0].time).count()), 0, 60e9);
  EXPECT_EQ(kept[1].kind, AuditRecord::Kind::flow_end);
  EXPECT_EQ(kept[1].sent, 10u);
  EXPECT_EQ(kept[1].received, 20u);
  EXPECT_EQ(kept[1].duration, 30ms);
  EXPECT_EQ(kept[2].name, "x.com");
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
}

TEST_F(AuditLogTest, ComesBackAsItWent) {
  AuditRecord record = audit_end(some_flow(), 1, 2, 3ms);
  record.time = Timestamp(1700000000123ms);
  const auto line = to_line(record);
  EXPECT_THAT(line, StartsWith("{\"time\":\"2023-11-14T22:13:20.123Z\",\"type\":\"flow_end\""));
  const auto read = parse_audit_record(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, record);
}

TEST_F(AuditLogTest, WritesWhateverTheGuestSays) {
  AuditRecord record{
      .kind = AuditRecord::Kind::dns, .name = "a\n\x80{\"", .rule = std::string(100000, '\x01')};
  const auto line = to_line(record);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LE(line.size(), longest_audit_line);
  EXPECT_TRUE(parse_audit_record(line));
}

TEST_F(AuditLogTest, RefusesWhatIsNoRecord) {
  for (const auto* line : {"", "[]", "{}", "{\"time\":1}", "{\"time\":\"2023-11-14T22:13:20Z\"}",
                           "{\"time\":\"2023-11-14T22:13:20Z\",\"type\":\"nonsense\"}",
                           "{\"time\":\"2023-11-14T22:13:20Z\",\"type\":\"flow\",\"port\":65536}",
                           "{\"time\":\"2023-11-14T22:13:20Z\",\"type\":\"flow\",\"port\":-1}",
                           "{\"time\":\"2023-11-14T22:13:20Z\",\"type\":\"flow\",\"address\":\"x\"}",
                           "{\"time\":\"2023-11-14T22:13:20Z\",\"type\":\"flow\",\"protocol\":\"sctp\"}"})
    EXPECT_FALSE(parse_audit_record(line)) << line;
}

TEST_F(AuditLogTest, IsBounded) {
  {
    AuditLog log(path_, {.file_bytes = 4096, .records_per_second = 0, .burst = 1e9});
    for (int i = 0; i < 1000; ++i) log.append(audit_of(some_flow(), {}));
  }
  EXPECT_LE(std::filesystem::file_size(path_), 4096u);
  EXPECT_LE(std::filesystem::file_size(old_audit_file(path_)), 4096u);
  EXPECT_GT(records(path_).size() + records(old_audit_file(path_)).size(), 30u);
}

TEST_F(AuditLogTest, CountsWhatAFloodLeavesOut) {
  const auto begin = AuditLog::Clock::now() + 1h;
  AuditLog log(path_, {.records_per_second = 10, .burst = 5});
  for (int i = 0; i < 100; ++i) log.append(audit_of(some_flow(), {}), begin);
  EXPECT_EQ(records(path_).size(), 5u);
  log.append(audit_of(some_flow(), {}), begin + 1s);
  const auto kept = records(path_);
  ASSERT_EQ(kept.size(), 7u);
  EXPECT_EQ(kept[5].kind, AuditRecord::Kind::skipped);
  EXPECT_EQ(kept[5].count, 95u);
}

TEST_F(AuditLogTest, GoesOnBehindAKilledWriter) {
  ASSERT_TRUE(write_file_atomic(path_, "{\"time\":\"half a li"));
  AuditLog(path_).append(audit_of(some_flow(), {}));
  EXPECT_EQ(records(path_).size(), 1u);
}

TEST_F(AuditLogTest, SurvivesWithoutAFile) {
  AuditLog log(directory_.path() / "missing" / "network.log");
  log.append(audit_of(some_flow(), {}));
  std::filesystem::create_directory(directory_.path() / "missing");
  log.append(audit_of(some_flow(), {}));
  const auto kept = records(directory_.path() / "missing" / "network.log");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].count, 1u);
}

TEST_F(AuditLogTest, FollowsNoLink) {
  const auto target = directory_.path() / "target";
  ASSERT_TRUE(write_file_atomic(target, "precious"));
  std::filesystem::create_symlink(target, path_);
  AuditLog(path_).append(audit_of(some_flow(), {}));
  EXPECT_EQ(read_file(target).value(), "precious");
}

}  // namespace
}  // namespace boxlite::netpolicy
