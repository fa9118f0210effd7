// SPDX-License-Identifier: Apache-2.0
// Unix sockets of the host in real boxes.
#include <array>
#include <filesystem>

#include "base/ids.h"
#include "integration/box/box_fixture.h"
#include "support/program.h"

namespace boxlite::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class HostSocketTest : public BoxTest {
 protected:
  std::string place(const std::string& name) const { return directory() / name; }
  // It listens when this returns.
  static std::unique_ptr<Program> serve(const std::string& mode, const std::string& place) {
    std::filesystem::remove(place);
    auto service = std::make_unique<Program>(
        ProgramOptions{.words = {BOX_SERVICE, mode, place}, .environment = {}, .stdin_bytes = {}});
    EXPECT_TRUE(service->wait_for_output("ready", 20s));
    return service;
  }
  static BoxSpec spec_with(std::vector<Mount> mounts) {
    return {.network = {.is_enabled = false}, .mounts = std::move(mounts)};
  }
  static Mount socket(const std::string& source, const std::string& target) {
    return {.type = MountType::socket, .source = source, .target = target};
  }
  static Box make_box(Runtime& runtime, BoxSpec spec) {
    auto box = create(runtime, std::move(spec));
    const auto started = box.start();
    EXPECT_TRUE(started) << started.error().message();
    EXPECT_TRUE(box.files().copy_in(BOX_SERVICE, "/service"));
    return box;
  }
  static Ran call(Box& box, const std::string& place, std::string_view bytes, const std::string& user = {}) {
    auto execution = box.exec({.command = {"/service", "call", place}, .user = user, .use_stdin = true});
    if (!execution) {
      ADD_FAILURE() << execution.error().message();
      return {};
    }
    return finish(*execution, bytes);
  }
};

TEST_F(HostSocketTest, LeadsProgramsOfAnyUserThereInEveryLifeOfTheBox) {
  const auto service = serve("gather", place("host.sock"));
  auto runtime = open();
  const auto bytes = random_bytes(1u << 20);
  for (const bool is_cold : {false, true}) {
    auto spec = spec_with({socket(place("host.sock"), "/run/inner/host.sock")});
    spec.cold_start = is_cold;
    auto box = make_box(runtime, spec);
    // It answers when it has seen our end, and we end when we have seen its.
    EXPECT_TRUE(call(box, "/run/inner/host.sock", bytes).out == bytes);
    EXPECT_EQ(call(box, "/run/inner/host.sock", "by another", "1000:1000").out, "by another");
    ASSERT_TRUE(box.stop());
    ASSERT_TRUE(box.start());
    EXPECT_EQ(call(box, "/run/inner/host.sock", "again").out, "again");
  }
}

TEST_F(HostSocketTest, EndsConnectionsWhenNobodyServesThemAndGoesOnLater) {
  auto service = serve("echo", place("host.sock"));
  auto runtime = open();
  auto box = make_box(runtime, spec_with({socket(place("host.sock"), "/host.sock")}));
  EXPECT_EQ(call(box, "/host.sock", "one").out, "one");
  service.reset();
  EXPECT_EQ(call(box, "/host.sock", "nobody hears it").out, "");
  std::filesystem::remove(place("host.sock"));
  EXPECT_EQ(call(box, "/host.sock", "nor this").out, "");
  service = serve("echo", place("host.sock"));
  EXPECT_EQ(call(box, "/host.sock", "two").out, "two");
}

TEST_F(HostSocketTest, LeadsNowhereByASymlinkThatTheBoxMade) {
  ASSERT_TRUE(make_directories(place("share")));
  const auto named = serve("echo", place("share/host.sock"));
  const auto other = serve("echo", place("other.sock"));
  auto runtime = open();
  auto spec = spec_with({socket(place("share/host.sock"), "/host.sock")});
  spec.mounts.push_back({.source = place("share"), .target = "/share"});
  auto box = make_box(runtime, spec);
  EXPECT_EQ(call(box, "/host.sock", "one").out, "one");
  ASSERT_EQ(run_in(box, {"ln", "-sfn", place("other.sock"), "/share/host.sock"}).status.exit_code, 0);
  EXPECT_EQ(call(box, "/host.sock", "two").out, "");
}

TEST_F(HostSocketTest, OneThatStandsStillSlowsNoOther) {
  const auto flood = serve("flood", place("flood.sock"));
  const auto gather = serve("gather", place("gather.sock"));
  auto runtime = open();
  auto box = make_box(runtime, spec_with({socket(place("flood.sock"), "/flood.sock"),
                                          socket(place("gather.sock"), "/gather.sock")}));
  // Nobody reads it: all of the way fills up.
  auto standing = box.exec({.command = {"/service", "call", "/flood.sock"}, .use_stdin = true});
  ASSERT_TRUE(standing);
  std::array<std::byte, 1> first;
  ASSERT_TRUE(standing->read(OutputStream::stdout_, first));
  const auto bytes = random_bytes(1u << 20);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(box, "/gather.sock", bytes).out == bytes);
}

TEST_F(HostSocketTest, IsForSocketsThatWereNamedAsSuch) {
  const auto service = serve("echo", place("host.sock"));
  ASSERT_TRUE(write_file_atomic(place("file"), "x", 0644));
  auto runtime = open();
  const auto error = [&](Mount mount) {
    auto box = create(runtime, spec_with({std::move(mount)}));
    const auto started = box.start();
    return started ? std::string()
                   : started.error().message() + " | " + std::string(started.error().remedy());
  };
  EXPECT_THAT(error({.source = place("host.sock"), .target = "/s"}),
              AllOf(HasSubstr(place("host.sock")), HasSubstr("it is a socket"), HasSubstr("type socket")));
  EXPECT_THAT(error(socket(place("file"), "/s")), AllOf(HasSubstr(place("file")), HasSubstr("not a socket")));
  EXPECT_THAT(error(socket(place("none"), "/s")), HasSubstr(place("none")));
  EXPECT_THAT(error(socket(place("host.sock"), "/etc")),
              AllOf(HasSubstr("\"/etc\""), HasSubstr("directory")));
  // In a shared directory it is a file that nobody listens to.
  auto box = make_box(runtime, spec_with({{.source = directory().native(), .target = "/shared"}}));
  const auto ran = call(box, "/shared/host.sock", "x");
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.status.exit_code, 0);
}

}  // namespace
}  // namespace boxlite::test
