// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "box/spec/spec_json.h"

namespace boxlite::box {
namespace {

using namespace std::chrono_literals;

BoxSpec full_spec() {
  return {
      .image = "debian:12",
      .name = "web",
      .platform = "linux/amd64",
      .labels = {{"team", "blue"}, {"\xff", ""}},
      .cpus = 3,
      .memory_mib = 1024,
      .disk_size_gib = 20,
      .entrypoint = std::vector<std::string>{},
      .command = {"a", "\xff\xfe"},
      .env = {{"K", "grün"}, {"B", "\x80"}},
      .working_dir = "/w",
      .user = "1:2",
      .hostname = "h",
      .capabilities = {.add = {"ALL"}, .drop = {"KILL"}},
      .privileged = true,
      .ulimits = {{"nofile", 1, unlimited}, {"core", 0, 0}},
      .read_only = true,
      .shm_bytes = 1u << 20,
      .init = true,
      .systemd = true,
      .stop_signal = "QUIT",
      .stop_timeout = 7ms,
      .network =
          {.allow = {"a", "\xff"},
           .deny = {"b"},
           .ask = true,
           .ports = {{.host_address = "::1", .host_port = 1, .box_port = 2, .protocol = PortProtocol::udp}},
           .exposed = {{.port = 5, .protocol = PortProtocol::udp}},
           .publish_exposed = true,
           .hosts = {{.name = "db", .address = "192.0.2.1"}},
           .dns = {.servers = {"192.0.2.2"}, .search = {"example.com"}, .options = {"ndots:2"}},
           .send_limit_kbit = 3,
           .receive_limit_kbit = 4},
      .secrets = {{.name = "key", .hosts = {"api.test"}, .placeholder = "<placeholder>"}},
      .secret_authorities = "/authorities.pem",
      .authorities = {"/own.pem", "system"},
      .mounts = {{.type = MountType::socket, .source = "/run/agent.sock", .target = "/agent.sock"}},
      .detach = true,
      .auto_remove = true,
      .restart = {.mode = RestartMode::on_failure, .max_retries = 2},
      .logs = {.file_bytes = 5000, .files = 9},
      .health = {.probe = HealthCheck::Probe::command,
                 .command = {"x\xff"},
                 .interval = 1ms,
                 .timeout = 2ms,
                 .start_period = 3ms,
                 .retries = 4},
      .auto_stop = 100ms,
      .auto_delete = 6ms,
      .start_timeout = 5s,
      .cold_start = true};
}

// full_spec() as homes hold it since the first version that could write all of it. What is added to a spec is
// added here; what is here stays.
constexpr auto stored_spec =
    R"({"authorities":["/own.pem","system"],"auto_delete_ms":6,"auto_remove":true,"auto_stop_ms":100,
"cap_add":["ALL"],"cap_drop":["KILL"],"cold_start":true,"command":["a",{"hex":"fffe"}],"cpus":3,
"detach":true,"disk_size_gib":20,"entrypoint":[],"env":[["K","grün"],["B",{"hex":"80"}]],
"folder_owner":"","health":{"command":[{"hex":"78ff"}],"interval_ms":1,"probe":"command","retries":4,
"start_period_ms":3,"timeout_ms":2},"hostname":"h","image":"debian:12","init":true,"labels":[["team",
"blue"],[{"hex":"ff"},""]],"log_file_bytes":5000,"log_files":9,"memory_mib":1024,
"mounts":[{"is_anonymous":false,"no_copy":false,"read_only":false,"source":"/run/agent.sock",
"target":"/agent.sock","tmpfs_bytes":0,"tmpfs_dev":false,"tmpfs_exec":false,"tmpfs_gid":0,
"tmpfs_mode":1023,"tmpfs_suid":false,"tmpfs_uid":0,"type":"socket"}],"name":"web",
"network":{"allow":["a",{"hex":"ff"}],"deny":["b"],"dns":{"options":["ndots:2"],"search":["example.com"],
"servers":["192.0.2.2"]},"exposed":[{"is_udp":true,"port":5}],"hosts":[{"address":"192.0.2.1",
"name":"db"}],"is_asking":true,"is_enabled":true,"ports":[{"box_port":2,"host_address":"::1",
"host_port":1,"is_udp":true}],"publish_exposed":true,"receive_limit_kbit":4,"send_limit_kbit":3},
"platform":"linux/amd64","privileged":true,"read_only":true,"restart":{"max_retries":2,
"mode":"on-failure"},"secret_authorities":"/authorities.pem","secrets":[{"hosts":["api.test"],
"name":"key","placeholder":"<placeholder>"}],"shm_bytes":1048576,"start_timeout_ms":5000,
"stop_signal":"QUIT","stop_timeout_ms":7,"systemd":true,"terminal":false,
"ulimits":[{"hard":18446744073709551615,"name":"nofile","soft":1},{"hard":0,"name":"core","soft":0}],
"use_stdin":false,"user":"1:2","working_dir":"/w"})";

TEST(SpecJson, IsWhatHomesHold) {
  EXPECT_EQ(*parse_box_spec(stored_spec), full_spec());
  EXPECT_EQ(nlohmann::json::parse(to_json(full_spec())), nlohmann::json::parse(stored_spec));
}

TEST(SpecJson, KeepsEveryFieldAndEveryByte) {
  EXPECT_EQ(*parse_box_spec(to_json(full_spec())), full_spec());
  EXPECT_EQ(*parse_box_spec(to_json(BoxSpec{})), BoxSpec{});
}

TEST(SpecJson, TellsNoSecret) {
  auto spec = full_spec();
  spec.secrets.at(0).value = "hidden";
  EXPECT_EQ(to_json(spec).find("hidden"), std::string::npos);
  EXPECT_EQ(to_json(spec).find("68696464656e"), std::string::npos);
}

TEST(SpecJson, ReadsOlderAndNewerSpecs) {
  EXPECT_EQ(*parse_box_spec(R"({"of_the_future": [1], "cpus": 2})"), BoxSpec{.cpus = 2});
  for (const char* bad : {"", "[]", "{\"cpus\": \"2\"}", "{\"cpus\": -1}", "{\"env\": [[\"a\"]]}",
                          "{\"command\": 1}", "{\"name\": {\"hex\": \"zz\"}}", "{\"cpus\": 99999999999}"}) {
    EXPECT_EQ(parse_box_spec(bad).error().code(), ErrorCode::corrupted) << bad;
  }
}

TEST(StagesJson, KeepsWhatItCanRead) {
  const std::vector<StartStage> stages = {{"boot", 1500us}, {"ready", 2us}};
  const auto again = parse_stages(to_json(stages));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].name, "boot");
  EXPECT_EQ(again[0].duration, 1500us);
  EXPECT_TRUE(parse_stages("nonsense").empty());
  EXPECT_EQ(parse_stages(R"([1, {"name": "x", "us": "2"}, {"name": "y", "us": 3}])").size(), 1u);
}

}  // namespace
}  // namespace boxlite::box
