// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/qmp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/files.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::engine::qemu {
namespace {

using testing::HasSubstr;

class QmpTest : public testing::Test {
 protected:
  // A channel on which QEMU says this, and then nothing more.
  Qmp after(std::string_view said) {
    auto ends = *linux_::unix_socket_pair();
    qemu_ = std::move(ends.second);
    EXPECT_TRUE(write_all(qemu_.get(), said, "QEMU's end"));
    EXPECT_EQ(::shutdown(qemu_.get(), SHUT_WR), 0);
    constexpr bool is_greeted = true;
    return Qmp(std::move(ends.first), is_greeted);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(5)); }

 private:
  UniqueFd qemu_;
};

TEST_F(QmpTest, PassesEventsOverUntilTheAnswer) {
  EXPECT_EQ(*after("{\"event\":\"STOP\"}\n{\"return\":{\"status\":\"paused\"}}\n").query_status(soon()),
            "paused");
}

TEST_F(QmpTest, MessagesOfAnyShapeAreErrors) {
  for (const auto* odd :
       {"{\"event\":1}", "{\"event\":\"MIGRATION\",\"data\":7}", "{\"event\":\"MIGRATION\",\"data\":[1]}",
        "{\"event\":\"MIGRATION\",\"data\":{\"status\":{}}}", "{\"event\":null,\"data\":null}", "[]", "1",
        "null", "", "{", "{\"return\":[]}", "{\"return\":{\"status\":1}}", "{\"return\":\"\xff\"}",
        "{\"error\":\"\xff\"}", "{\"error\":{}}", "{\"return\":1e999}", "\xff\xfe"}) {
    const auto status = after(std::string(odd) + "\n").query_status(soon());
    EXPECT_FALSE(status) << odd;
    EXPECT_FALSE(after(std::string(odd) + "\n").await_migration(soon())) << odd;
  }
}

TEST_F(QmpTest, NoDepthOfNestingIsTooMuch) {
  const std::string deep = "{\"return\":" + std::string(50'000, '[') + std::string(50'000, ']') + "}\n";
  EXPECT_FALSE(after(deep).query_status(soon()));
  EXPECT_TRUE(after(deep).execute("x", {}, soon()));
}

TEST_F(QmpTest, AMigrationEndsAsTheLastEventSays) {
  EXPECT_TRUE(
      after("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"completed\"}}\n").await_migration(soon()));
  const auto failed =
      after("{\"event\":\"MIGRATION\",\"data\":{\"status\":\"failed\"}}\n").await_migration(soon());
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr("failed"));
}

}  // namespace
}  // namespace boxlite::engine::qemu
