// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/audit_reader.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::netpolicy {
namespace {

class AuditReaderTest : public testing::Test {
 protected:
  void write(AuditLog& log, std::uint16_t port) {
    log.append(audit_of({.destination = IpAddress::v4(0xc0000201), .port = port}, {}));
  }

  TempDir directory_ = TempDir::create(std::filesystem::temp_directory_path(), "audit").value();
  std::filesystem::path path_ = directory_.path() / "network.log";
};

TEST_F(AuditReaderTest, ReadsWhatIsWrittenMeanwhile) {
  AuditReader reader(path_);
  EXPECT_FALSE(reader.next());
  AuditLog log(path_);
  write(log, 1);
  write(log, 2);
  EXPECT_EQ(reader.next()->port, 1);
  EXPECT_EQ(reader.next()->port, 2);
  EXPECT_FALSE(reader.next());
  write(log, 3);
  EXPECT_EQ(reader.next()->port, 3);
}

TEST_F(AuditReaderTest, FollowsRotations) {
  AuditLog log(path_, {.file_bytes = 1000, .records_per_second = 0, .burst = 1e9});
  AuditReader reader(path_);
  std::uint16_t next = 1;
  for (std::uint16_t port = 1; port <= 500; ++port) {
    write(log, port);
    if (port % 7 != 0) continue;
    while (const auto record = reader.next()) EXPECT_EQ(record->port, next++);
  }
  while (const auto record = reader.next()) EXPECT_EQ(record->port, next++);
  EXPECT_EQ(next, 501);
}

TEST_F(AuditReaderTest, BeginsWithTheOldFile) {
  {
    AuditLog log(path_, {.file_bytes = 1000, .records_per_second = 0, .burst = 1e9});
    for (std::uint16_t port = 1; port <= 12; ++port) write(log, port);
  }
  AuditReader reader(path_);
  std::uint16_t last = 0;
  int count = 0;
  for (; const auto record = reader.next(); ++count) last = record->port;
  EXPECT_EQ(last, 12);
  EXPECT_GT(count, 7);
}

TEST_F(AuditReaderTest, LeavesOutWhatIsNoRecord) {
  const auto good = to_line({.kind = AuditRecord::Kind::dns, .name = "good.com"});
  ASSERT_TRUE(write_file_atomic(
      path_, concat("nonsense\n", std::string(500000, 'x'), "\n\n", good, "{\"time\":\"half")));
  AuditReader reader(path_);
  EXPECT_EQ(reader.next()->name, "good.com");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace boxlite::netpolicy
