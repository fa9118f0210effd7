// SPDX-License-Identifier: Apache-2.0
#include "shimlink/shim_config.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "shimlink/shim_record.h"

namespace boxlite::shimlink {
namespace {

ShimConfig example() {
  ShimConfig config;
  config.box_id = "abc";
  config.box_dir = "/home/u/.boxlite/boxes/abc";
  config.machine = {.kernel = "/r/vmlinux",
                    .initramfs = "/r/initramfs.cpio",
                    .kernel_arguments = "quiet \"x\"",
                    .accelerator = engine::Accelerator::kvm,
                    .cpus = 2,
                    .memory_mib = 1024,
                    .tsc_khz = 2'596'000,
                    .disks = {{"/d/a.qcow2", engine::DiskFormat::qcow2, "/d/a.ext4", false},
                              {"/d/b.raw", engine::DiskFormat::raw, {}, true},
                              {.format = engine::DiskFormat::blank, .size_bytes = 1u << 30}},
                    .memory_file = "/m/new"};
  config.from = engine::Snapshot{.memory = "/m/memory", .state = "/m/state", .pages = "/m/p", .disk = "/m/d"};
  config.snapshot_into = engine::Snapshot{.memory = "/n/memory"};
  config.folders = {{.host_path = "/a\xff", .box_path = "/b", .is_read_only = true},
                    {.host_path = "/v", .box_path = "/c", .is_volume = true, .fill = true}};
  config.host_sockets = {"/run/agent.sock", "/b\xff"};
  config.network = {.allow = {"example.com"},
                    .deny = {"*.example.org:80"},
                    .is_asking = true,
                    .ports = {{.host_address = "127.0.0.1", .box_port = 80, .preferred_port = 8080}},
                    .hosts = {{.name = "db", .address = "192.0.2.1"}},
                    .name_servers = {"192.0.2.2"},
                    .send_limit_kbit = 1,
                    .receive_limit_kbit = 2};
  config.home = "/home/user/.boxlite";
  config.box_name = "web";
  config.engine = {
      .name = "qemu", .program = "/usr/bin/qemu-system-x86_64", .helper = "/usr/bin/boxlite-thaw"};
  config.fileserver = "/usr/bin/boxlite-fileserver";
  config.folder_owner = {.is_box_user = false, .uid = 1000, .gid = 100};
  config.configure_request = std::string("\0\xff\n", 3);
  config.start_container_request = "bytes";
  config.main_request = std::string("\0main", 5);
  config.client_starts_main = true;
  config.is_disposable = true;
  config.health = {.probe = HealthProbe::command,
                   .command_request = std::string("\0c", 2),
                   .interval = std::chrono::milliseconds(1),
                   .timeout = std::chrono::milliseconds(2),
                   .start_period = std::chrono::milliseconds(3),
                   .retries = 4};
  config.auto_stop = std::chrono::milliseconds(9);
  config.stop_signal = 37;
  config.log_file_bytes = 5000;
  config.log_files = 7;
  config.is_maintenance = true;
  config.restart = {.mode = RestartMode::on_failure, .max_retries = 3};
  config.boot_timeout = std::chrono::milliseconds(1234);
  config.is_detached = true;
  return config;
}

TEST(ShimConfig, SurvivesTheWayThroughJson) {
  const auto parsed = parse_shim_config(to_json(example()));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, example());
}

TEST(ShimConfig, NamesTheFieldThatIsWrong) {
  const auto broken = [](std::string_view from, std::string_view to) {
    auto text = to_json(example());
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    const auto parsed = parse_shim_config(text);
    return parsed ? std::string() : parsed.error().message();
  };
  EXPECT_EQ(broken("\"cpus\":2", "\"cpus\":0"), "shim config: machine: \"cpus\" is not within 1 and 255");
  EXPECT_EQ(broken("\"cpus\":2", "\"cpus\":-2"), "shim config: machine: \"cpus\" is not a whole number");
  EXPECT_EQ(broken("\"box_id\"", "\"box_if\""), "shim config: \"box_id\" is missing");
  EXPECT_EQ(broken("\"boot_timeout_ms\"", "\"extra\":1,\"boot_timeout_ms\""),
            "shim config: \"extra\" is not known");
  EXPECT_EQ(broken("00ff0a", "00fg0a"), "shim config: \"configure_request\" is not hexadecimal");
  EXPECT_EQ(broken("\"/home/u", "\"home/u"),
            "shim config: box_dir \"home/u/.boxlite/boxes/abc\" is not absolute");
  EXPECT_EQ(parse_shim_config("nonsense").error().code(), ErrorCode::invalid_argument);
}

class RecordTest : public testing::Test {
 protected:
  RecordTest() : dir_(*TempDir::create(testing::TempDir(), "record-")) {}
  TempDir dir_;
};

TEST_F(RecordTest, SurvivesTheWayThroughAFile) {
  ShimRecord record;
  record.shim = {.pid = 12, .start_ticks = 345, .boot_id = "boot"};
  record.vmm_pid = 13;
  record.started_at = Timestamp(std::chrono::milliseconds(1'700'000'000'123));
  record.ready_at = record.started_at;
  record.stages = {{"boot", std::chrono::microseconds(17)}};
  record.disk_errors = 3;
  record.disk_last_error = "EXT4-fs error (device vda): x";
  record.disk_is_read_only = true;
  record.ports = {{.host_address = "::1", .host_port = 65'535, .box_port = 1, .is_udp = true}};
  ASSERT_TRUE(write_file_atomic(dir_.path() / shim_record_name, to_json(record)));
  EXPECT_EQ(read_shim_record(dir_.path()).value(), record);
  ExitRecord exit{.reason = ExitReason::main_exited, .at = record.started_at, .exit_code = 0};
  ASSERT_TRUE(write_file_atomic(dir_.path() / exit_record_name, to_json(exit)));
  EXPECT_EQ(read_exit_record(dir_.path()).value(), exit);
  exit.oom_killed = true;
  ASSERT_TRUE(write_file_atomic(dir_.path() / exit_record_name, to_json(exit)));
  EXPECT_EQ(read_exit_record(dir_.path()).value(), exit);
}

TEST_F(RecordTest, TakesAnyBytesOfTheGuest) {
  const ExitRecord exit{.reason = ExitReason::vmm_failed, .at = {}, .console_tail = "\xff\xfe"};
  ASSERT_TRUE(write_file_atomic(dir_.path() / exit_record_name, to_json(exit)));
  EXPECT_TRUE(read_exit_record(dir_.path()));
}

TEST_F(RecordTest, TellsMissingFromDamaged) {
  EXPECT_EQ(read_exit_record(dir_.path()).error().code(), ErrorCode::not_found);
  for (const auto* text : {"", "{", "[]", "{}", R"({"reason":"bored","at":"2026-01-01T00:00:00Z"})"}) {
    ASSERT_TRUE(write_file_atomic(dir_.path() / exit_record_name, text));
    EXPECT_EQ(read_exit_record(dir_.path()).error().code(), ErrorCode::corrupted) << text;
  }
}

}  // namespace
}  // namespace boxlite::shimlink
