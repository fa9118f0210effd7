// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/codec.h"
#include "model/fields/box.h"
#include "model/fields/event.h"
#include "model/fields/execution.h"
#include "model/fields/files.h"
#include "model/fields/images.h"
#include "model/fields/metrics.h"
#include "model/fields/runtime.h"
#include "model/random_value_test.h"

namespace boxlite::model {
namespace {

template <typename Value>
class CodecTest : public testing::Test {};

// Every described value; tools/check_codec.py sees to that.
using Values = testing::Types<
    AttachOptions, BoxActivity, BoxEnd, BoxInfo, BoxPruneOptions, BoxSpec, BoxStats, CapabilityChanges,
    CopyOptions, CopyReport, CreateOptions, DiskReport, DiskUsage, DnsSettings, Event, EventOptions, ExecSpec,
    ExecutionInfo, ExitStatus, ExposedPort, FileEvent, FileInfo, GuestStats, HealthCheck, HealthReport,
    HostCheck, HostEntry, HostReport, HostStats, ImageInfo, ListOptions, LoadOptions, LogLimits, LogOptions,
    LogRecord, MakeDirectoryOptions, Mount, NetworkLogOptions, NetworkPolicy, NetworkRecord, NetworkRequest,
    NetworkSpec, NetworkStats, Output, OutputOptions, ProcessInfo, ProcessList, Progress, PruneOptions,
    PruneReport, PublishedPort, PullOptions, ReadRange, RegistryOptions, RemoveFileOptions,
    RemoveImageOptions, RemoveOptions, RenameOptions, RestartPolicy, RuntimeMetrics,
    RuntimeMetrics::StatusCount, RuntimeOptions, SavedMachine, Secret, SpaceUse, StartOptions, StartStage,
    StatOptions, StopOptions, TerminalSize, TunnelTarget, Ulimit, Version, VolumeInfo, VolumePruneOptions,
    WarmOptions, WatchOptions, WriteOptions>;
TYPED_TEST_SUITE(CodecTest, Values);

TYPED_TEST(CodecTest, KeepsEveryMember) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    TypeParam value;
    RandomMembers(seed).fill(value);
    const auto text = encode(value).dump();
    const auto again = decode_text<TypeParam>(text);
    ASSERT_TRUE(again) << text << ": " << again.error().message();
    ASSERT_EQ(encode(*again).dump(), text);
  }
}

TEST(Codec, KeepsBytesThatAreNotUtf8) {
  const Mount mount{.source = "/a\xff", .target = "/b"};
  EXPECT_EQ(encode(mount)["source"], Json({{"hex", "2f61ff"}}));
  EXPECT_EQ(decode<Mount>(encode(mount)).value(), mount);
  EXPECT_EQ(encode_shown(mount)["source"].get<std::string>(), mount.source);
}

TEST(Codec, NamesTheMemberThatIsWrong) {
  const auto message = [](const char* json) { return decode_text<BoxSpec>(json).error().message(); };
  EXPECT_EQ(
      message(R"({"network": {"ports": [{}, {"host_port": 65536}]}})"),
      "field \"network\": field \"ports\": element 1: field \"host_port\": it is not a whole number of 0 to "
      "65535");
  EXPECT_EQ(message(R"({"mounts": [{"type": "nfs"}]})"),
            "field \"mounts\": element 0: field \"type\": \"nfs\" is none of bind, volume, tmpfs, socket");
  EXPECT_EQ(message("nonsense"), "not valid JSON");
}

TEST(Codec, ReadsWhatOlderAndNewerVersionsWrite) {
  EXPECT_EQ(decode_text<BoxSpec>(R"({"cpus": 2, "of_the_future": [1], "entrypoint": null})").value(),
            BoxSpec{.cpus = 2});
  EXPECT_EQ(decode_text<RestartPolicy>(R"({"mode": "on-tuesdays"})").value(), RestartPolicy{});
}

TEST(Codec, WritesTimesToTheNanosecond) {
  const FileInfo file{.modified = TimePoint(std::chrono::nanoseconds(1'500'000'001))};
  EXPECT_EQ(encode(file)["modified"], "1970-01-01T00:00:01.500000001Z");
}

TEST(Codec, TellsNoSecret) {
  const Secret secret{.name = "key", .value = "hidden", .hosts = {"a.test"}};
  EXPECT_EQ(encode(secret).dump().find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace boxlite::model
