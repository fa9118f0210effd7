// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "box/life/evidence.h"
#include "box/life/status.h"
#include "box/spec/capabilities.h"
#include "box/spec/container_spec.h"
#include "box/spec/health_plan.h"
#include "box/spec/image_config_json.h"
#include "box/spec/mounts.h"
#include "box/spec/network.h"
#include "box/spec/secrets.h"
#include "box/spec/spec_check.h"
#include "box/spec/spec_json.h"
#include "model/enum_names.h"
#include "oci/platform.h"
#include "wire/method.h"

namespace boxlite::box {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

TEST(Status, AnUnknownOneReadsAsStopped) {
  for (const auto status : model::values<BoxStatus>()) EXPECT_EQ(parse_status(name(status)), status);
  EXPECT_EQ(parse_status("floating"), BoxStatus::stopped) << "a state of a newer version";
  EXPECT_FALSE(may_remove(BoxStatus::stopping));
}

TEST(Capabilities, AreDockersFourteenByDefault) {
  const auto names = resolve_capabilities({}, false);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->size(), 14u);
  EXPECT_THAT(*names, Contains("CAP_CHOWN"));
  EXPECT_THAT(*names, Not(Contains("CAP_SYS_ADMIN")));
  EXPECT_EQ(resolve_capabilities({}, true)->size(), 41u);
}

TEST(Capabilities, ADropWins) {
  EXPECT_THAT(*resolve_capabilities({.add = {"net_admin"}, .drop = {"ALL"}}, false),
              ElementsAre("CAP_NET_ADMIN"));
  EXPECT_THAT(*resolve_capabilities({.add = {"ALL"}, .drop = {"CAP_SYS_ADMIN"}}, false),
              Not(Contains("CAP_SYS_ADMIN")));
  EXPECT_EQ(resolve_capabilities({.add = {"ALL"}, .drop = {"sys_admin"}}, false)->size(), 40u);
  EXPECT_THAT(*resolve_capabilities({.add = {"NET_ADMIN"}, .drop = {"NET_ADMIN"}}, true),
              Not(Contains("CAP_NET_ADMIN")));
  EXPECT_TRUE(resolve_capabilities({.add = {"ALL"}, .drop = {"ALL"}}, true)->empty());
  const auto unknown = resolve_capabilities({.add = {"FLY"}}, false);
  EXPECT_EQ(unknown.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(unknown.error().message(), HasSubstr("\"FLY\""));
}

oci::ImageConfig sample_image() {
  oci::ImageConfig image;
  image.entrypoint = {"/entry"};
  image.cmd = {"default"};
  image.env = {"PATH=/image/bin", "A=image", "broken", "=x"};
  image.working_dir = "/srv";
  image.user = "app";
  return image;
}

TEST(MainCommand, FollowsDockersRules) {
  const auto image = sample_image();
  EXPECT_THAT(*main_command({}, image), ElementsAre("/entry", "default"));
  EXPECT_THAT(*main_command({.command = {"x"}}, image), ElementsAre("/entry", "x"));
  const std::vector<std::string> shell = {"sh"};
  EXPECT_THAT(*main_command({.entrypoint = shell}, image), ElementsAre("sh")) << "the image's CMD goes too";
  EXPECT_THAT(*main_command({.entrypoint = shell, .command = {"-c"}}, image), ElementsAre("sh", "-c"));
  EXPECT_THAT(*main_command({.entrypoint = std::vector<std::string>(), .command = {"x"}}, image),
              ElementsAre("x"));
  EXPECT_EQ(main_command({}, {}).error().code(), ErrorCode::invalid_argument);
}

TEST(MainRequest, LeavesAnImagesOwnCommandItsInput) {
  const auto image = sample_image();
  const auto sandbox = main_request({}, image);
  EXPECT_EQ(sandbox.id(), "main");
  EXPECT_TRUE(sandbox.is_main());
  EXPECT_TRUE(sandbox.use_stdin());
  EXPECT_FALSE(is_job({}));
  const BoxSpec job{.command = {"x"}};
  EXPECT_TRUE(is_job(job));
  EXPECT_FALSE(main_request(job, image).use_stdin());
  EXPECT_TRUE(main_request({.command = {"x"}, .use_stdin = true}, image).use_stdin());
  EXPECT_TRUE(main_request({.terminal = true}, image).has_terminal());
  EXPECT_EQ(main_request({}, {}).args_size(), 0) << "it idles";
}

TEST(MainRequest, PutsAnInitInFrontOfAShellThatOnlyKeepsTheBoxUp) {
  oci::ImageConfig image;
  for (const char* program : {"sh", "/bin/bash", "/usr/bin/python3.11", "node"}) {
    image.cmd = {program};
    EXPECT_TRUE(main_request({}, image).use_init()) << program;
    EXPECT_FALSE(main_request({.use_stdin = true}, image).use_init()) << program;
    EXPECT_FALSE(main_request({.terminal = true}, image).use_init()) << program;
    EXPECT_FALSE(main_request({.command = {program}}, image).use_init()) << program;
  }
  for (const char* program : {"/sbin/init", "/init", "nginx", "python-service/"}) {
    image.cmd = {program};
    EXPECT_FALSE(main_request({}, image).use_init()) << program;
    EXPECT_TRUE(main_request({.init = true}, image).use_init()) << program;
  }
  image.cmd = {"python3", "-m", "http.server"};
  EXPECT_FALSE(main_request({}, image).use_init());
}

TEST(StopSignal, IsTheUsersThenTheImagesThenTheManagers) {
  auto image = sample_image();
  EXPECT_EQ(stop_signal({}, image), SIGTERM);
  EXPECT_EQ(stop_signal({.systemd = true}, image), SIGRTMIN + 3);
  image.stop_signal = "SIGQUIT";
  EXPECT_EQ(stop_signal({}, image), SIGQUIT);
  EXPECT_EQ(stop_signal({.systemd = true}, image), SIGQUIT);
  image.stop_signal = "2";
  EXPECT_EQ(stop_signal({}, image), SIGINT);
  EXPECT_EQ(stop_signal({.stop_signal = "RTMIN+3"}, image), SIGRTMIN + 3);
  image.stop_signal = "WHATEVER";
  EXPECT_EQ(stop_signal({}, image).error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(stop_signal({}, image).error().message(), HasSubstr("STOPSIGNAL \"WHATEVER\""));
  EXPECT_EQ(stop_signal({.stop_signal = "KILL"}, image), SIGKILL);
  EXPECT_EQ(check(BoxSpec{.stop_signal = "WHATEVER"}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(check(BoxSpec{.stop_timeout = -1ms}).error().code(), ErrorCode::invalid_argument);
  EXPECT_TRUE(check(BoxSpec{.stop_signal = "sigusr1", .stop_timeout = 0ms}));
}

TEST(SystemdMounts, LeaveThoseOfTheBoxAlone) {
  const auto mounts = with_systemd_mounts({{.source = "/data", .target = "/tmp/"}});
  ASSERT_EQ(mounts.size(), 3u);
  EXPECT_EQ(mounts[0].target, "/run");
  EXPECT_EQ(mounts[1].target, "/run/lock");
  EXPECT_EQ(mounts[2].source, "/data");
}

TEST(HealthRule, IsTheUsersOverTheImages) {
  oci::ImageConfig image;
  EXPECT_EQ(health_rule({}, image).probe, shimlink::HealthProbe::none);
  image.health = {.test = {"CMD-SHELL", "check"}, .interval = 5s, .retries = 7};
  const auto images = health_rule({}, image);
  EXPECT_EQ(images.probe, shimlink::HealthProbe::command);
  EXPECT_EQ(images.interval, 5s);
  EXPECT_EQ(images.timeout, 30s);
  EXPECT_EQ(images.retries, 7u);
  const auto request = wire::parse<wire::msg::ExecRequest>(images.command_request);
  ASSERT_TRUE(request);
  EXPECT_THAT(request->args(), ElementsAre("/bin/sh", "-c", "check"));
  EXPECT_EQ(health_rule({.health = {.probe = HealthCheck::Probe::none}}, image).probe,
            shimlink::HealthProbe::none);
  const auto ping = health_rule({.health = {.probe = HealthCheck::Probe::ping, .interval = 1s}}, image);
  EXPECT_EQ(ping.probe, shimlink::HealthProbe::ping);
  EXPECT_EQ(ping.interval, 1s);
  image.health.test = {"NONE"};
  EXPECT_EQ(health_rule({}, image).probe, shimlink::HealthProbe::none);
}

TEST(ContainerSpec, PutsTheUsersWishesOverTheImages) {
  const auto container = container_spec({.env = {{"A", "user"}, {"B", ""}}, .user = "7", .privileged = true},
                                        sample_image(), "tower");
  ASSERT_TRUE(container);
  const std::vector<std::string> env(container->env().begin(), container->env().end());
  EXPECT_THAT(env, ElementsAre("PATH=/image/bin", "HOSTNAME=tower", "A=user", "B="));
  EXPECT_EQ(container->working_dir(), "/srv");
  EXPECT_EQ(container->user(), "7");
  EXPECT_TRUE(container->privileged());
  EXPECT_EQ(container->capabilities_size(), 41);
  EXPECT_EQ(container_spec({}, {}, "x")->working_dir(), "/");
}

TEST(SpecCheck, NamesFieldValueAndWhatIsAllowed) {
  EXPECT_TRUE(check(BoxSpec{}));
  const auto error = check(BoxSpec{.memory_mib = 1}).error();
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  EXPECT_EQ(error.message(), "memory_mib 1 is not valid: it must be 64 to 1048576");
}

TEST(SpecCheck, RefusesWhatCannotWork) {
  const std::string zero("a\0b", 3);
  const BoxSpec wrong[] = {
      {.auto_remove = true, .restart = {.mode = RestartMode::always}},
      {.restart = {.mode = RestartMode::always, .max_retries = 1}},
      {.logs = {.file_bytes = 100}},
      {.logs = {.files = 0}},
      {.health = {.command = {"x"}}},
      {.health = {.probe = HealthCheck::Probe::command}},
      {.health = {.interval = -1ms}},
      {.auto_stop = 1ms},
      {.image = "UPPER CASE"},
      {.image = ""},
      {.name = "-x"},
      {.name = "a/b"},
      {.name = std::string(129, 'a')},
      {.platform = "x"},
      {.cpus = 0},
      {.cpus = 65},
      {.disk_size_gib = 0},
      {.disk_size_gib = 16'385},
      {.entrypoint = std::vector<std::string>{""}},
      {.command = {zero}},
      {.command = {std::string(600'000, 'x')}},
      {.env = {{"", "x"}}},
      {.env = {{"a=b", "x"}}},
      {.env = {{"a", zero}}},
      {.working_dir = "relative"},
      {.user = ":0"},
      {.user = "a:b:c"},
      {.user = "a b"},
      {.user = "4294967295"},
      {.user = "root:99999999999"},
      {.hostname = "-"},
      {.hostname = std::string(64, 'h')},
      {.hostname = "a..b"},
      {.hostname = "a."},
      {.hostname = "a-"},
      {.hostname = "a.-b"},
      {.capabilities = {.drop = {"x"}}},
      {.ulimits = {{"files", 1, 1}}},
      {.ulimits = {{"core", 2, 1}}},
      {.ulimits = {{"core", unlimited, 1}}},
      {.ulimits = {{"nofile", 1, 2u << 20}}},
      {.ulimits = {{"core", 1, 1}, {"core", 2, 2}}},
      {.mounts = {{.type = MountType::tmpfs, .target = "/t", .tmpfs_uid = ~0u}}},
      {.start_timeout = -1ms},
      {.labels = {{"", "x"}}},
      {.labels = {{"a=b", "x"}}},
      {.labels = {{"a", "x"}, {"a", "y"}}},
      {.labels = {{"a", std::string(100'000, 'x')}}},
  };
  for (const auto& spec : wrong) EXPECT_FALSE(check(spec)) << to_json(spec).substr(0, 200);
  EXPECT_EQ(check(BoxSpec{.platform = "linux/s390x"}).error().code(), ErrorCode::unsupported);
  const bool runs_i386 = oci::Platform::of_host().architecture == "amd64";
  EXPECT_EQ(check(BoxSpec{.platform = "linux/386"}).has_value(), runs_i386);
}

std::string network_message(const NetworkSpec& network) {
  const auto checked = check(network);
  return checked ? std::string() : checked.error().message();
}

TEST(SpecCheck, LooksAtNamesAndNameServers) {
  using testing::HasSubstr;
  const auto host = [](std::string name, std::string address, bool is_enabled = true) {
    return network_message({.is_enabled = is_enabled, .hosts = {{std::move(name), std::move(address)}}});
  };
  EXPECT_EQ(host("db", "10.0.0.1"), "");
  EXPECT_EQ(host("db", "2001:db8::1", false), "");
  EXPECT_EQ(host("host.docker.internal", "host-gateway"), "");
  EXPECT_THAT(host("host.docker.internal", "10.0.0.1"), HasSubstr("this name is the host's"));
  EXPECT_THAT(host("db", "host-gateway", false), HasSubstr("without a network"));
  EXPECT_THAT(host("a b", "10.0.0.1"), HasSubstr("\"a b\""));
  EXPECT_THAT(host("db", "10.0.0"), HasSubstr("\"10.0.0\""));
  EXPECT_EQ(network_message({.dns = {.servers = {"10.0.0.1"}, .search = {"."}, .options = {"ndots:2"}}}), "");
  EXPECT_THAT(network_message({.dns = {.servers = {"ns.example.com"}}}), HasSubstr("\"ns.example.com\""));
  EXPECT_THAT(network_message({.dns = {.search = {"a b"}}}), HasSubstr("search domain"));
  EXPECT_THAT(network_message({.dns = {.options = {"a\nnameserver 1.1.1.1"}}}), HasSubstr("dns option"));
  EXPECT_THAT(network_message({.is_enabled = false, .dns = {.servers = {"10.0.0.1"}}}),
              HasSubstr("without one"));
  EXPECT_THAT(network_message({.is_enabled = false, .publish_exposed = true}), HasSubstr("without one"));
  EXPECT_THAT(network_message({.exposed = {{.port = 0}}}), HasSubstr("expose"));
}

TEST(WantedPorts, AreWhatIsExposedAndNotPublished) {
  NetworkSpec network{.ports = {{.host_port = 8080, .box_port = 80}},
                      .exposed = {{.port = 90}, {.port = 80}}};
  const std::vector<std::string> image = {"80/tcp", "80/udp", "443",   "90/tcp",
                                          "x",      "0/tcp",  "99999", "7/sctp"};
  EXPECT_EQ(*wanted_ports(network, image), network.ports);
  network.publish_exposed = true;
  using testing::ElementsAre;
  EXPECT_THAT(*wanted_ports(network, image),
              ElementsAre(PublishedPort{.host_port = 8080, .box_port = 80}, PublishedPort{.box_port = 90},
                          PublishedPort{.box_port = 80, .protocol = PortProtocol::udp},
                          PublishedPort{.box_port = 443}));
}

TEST(WantedPorts, AreNoMoreThanABoxCanPublish) {
  NetworkSpec network{.publish_exposed = true};
  for (std::uint16_t port = 1; port <= 256; ++port) network.exposed.push_back({.port = port});
  network.exposed.push_back({.port = 1});
  EXPECT_EQ(network_message(network), "");
  EXPECT_EQ(wanted_ports(network, {"256/tcp"})->size(), 256u);
  const auto of_image = wanted_ports(network, {"300/tcp"});
  ASSERT_FALSE(of_image);
  EXPECT_THAT(of_image.error().message(), testing::HasSubstr("257 ports are exposed"));
  EXPECT_THAT(of_image.error().remedy(), testing::HasSubstr("-p"));
  network.exposed.push_back({.port = 300});
  EXPECT_THAT(network_message(network), testing::HasSubstr("more than 256"));
  network.publish_exposed = false;
  EXPECT_EQ(network_message(network), "");
}

TEST(SpecCheck, FindsTwoPortsAtOnePlaceOfTheHost) {
  using testing::HasSubstr;
  const auto both = [](const char* one, const char* other) {
    return network_message({.ports = {{.host_address = one, .host_port = 80, .box_port = 80},
                                      {.host_address = other, .host_port = 80, .box_port = 81}}});
  };
  EXPECT_EQ(both("127.0.0.1", "127.0.0.2"), "");
  EXPECT_EQ(both("0.0.0.0", "::"), "");
  EXPECT_THAT(both("0.0.0.0", "127.0.0.1"), HasSubstr("published twice"));
  EXPECT_THAT(both("::1", "::"), HasSubstr("published twice"));
  EXPECT_THAT(both("::1", "0:0::1"), HasSubstr("published twice"));
}

TEST(ConfigureNetwork, WritesNamesAsTheyAreLookedUp) {
  wire::msg::ConfigureRequest request;
  configure_network({.is_enabled = false, .hosts = {{"FOO.", "10.0.0.1"}, {"bar", "10.0.0.2"}}}, request);
  ASSERT_EQ(request.hosts_size(), 2);
  using testing::ElementsAre;
  EXPECT_THAT(request.hosts(0).names(), ElementsAre("FOO", "foo"));
  EXPECT_THAT(request.hosts(1).names(), ElementsAre("bar"));
}

TEST(SpecCheck, ShowsTheBeginningOfWhatIsLong) {
  const auto error = check(BoxSpec{.name = std::string(10'000, 'n')}).error();
  EXPECT_LT(error.message().size(), 300u);
  EXPECT_THAT(error.message(), testing::HasSubstr("nnn\"..."));
}

TEST(SpecCheck, LooksAtCommands) {
  EXPECT_TRUE(check(ExecSpec{.command = {"true"}}, false));
  EXPECT_FALSE(check(ExecSpec{}, false));
  EXPECT_TRUE(check(ExecSpec{}, true));
  EXPECT_FALSE(check(ExecSpec{.command = {"true"}}, true));
  EXPECT_FALSE(check(ExecSpec{.command = {"x"}, .timeout = -1s}, false));
  EXPECT_FALSE(check(ExecSpec{.command = {"x"}, .terminal = TerminalSize{.rows = 0, .columns = 1}}, false));
  EXPECT_FALSE(check_execution_id("../x"));
  EXPECT_FALSE(check_execution_id(""));
}

TEST(Secrets, TheBoxHasThePlaceholder) {
  BoxSpec spec;
  spec.secrets = {{.name = "api-key", .value = "hidden", .hosts = {"a.test"}, .placeholder = {}}};
  const auto container = container_spec(spec, {}, "h");
  ASSERT_TRUE(container);
  EXPECT_NE(std::ranges::find(container->env(), "BOXLITE_SECRET_API_KEY=<BOXLITE_SECRET:api-key>"),
            container->env().end());
  EXPECT_EQ(container->SerializeAsString().find("hidden"), std::string::npos);
}

TEST(Secrets, MustBeForHostsThatTheRulesAllow) {
  const auto message = [](std::vector<std::string> allow, std::vector<std::string> deny, std::string host) {
    BoxSpec spec;
    spec.network.allow = std::move(allow);
    spec.network.deny = std::move(deny);
    spec.secrets = {{.name = "key", .value = "hidden", .hosts = {std::move(host)}, .placeholder = {}}};
    const auto checked = check(spec);
    return checked ? std::string() : checked.error().message();
  };
  EXPECT_EQ(message({}, {}, "api.test"), "");
  EXPECT_EQ(message({"*.test"}, {}, "api.test:8443"), "");
  EXPECT_EQ(message({"*.test"}, {}, "*.api.test"), "");
  EXPECT_NE(message({"other.test"}, {}, "api.test").find("\"api.test\""), std::string::npos);
  EXPECT_NE(message({"api.test"}, {}, "*.api.test").find("\"*.api.test\""), std::string::npos);
  EXPECT_NE(message({}, {"api.test"}, "api.test").find("\"api.test\""), std::string::npos);
}

TEST(Secrets, AreKeptInAFileOfTheirOwn) {
  const auto dir = *TempDir::create("/tmp", "secrets-test-");
  const auto file = dir.path() / "box" / "secrets";
  const std::vector<Secret> secrets = {
      {.name = "a", .value = std::string("\0\xff\n", 3), .hosts = {"a.test"}, .placeholder = {}},
      {.name = "b", .value = "v", .hosts = {"b.test"}, .placeholder = "12345678"}};
  ASSERT_TRUE(keep_secret_values(file, secrets));
  auto stored = secrets;
  for (auto& secret : stored) secret.value.clear();
  const auto loaded = load_secrets(file, stored);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 2u);
  EXPECT_EQ(loaded->at(0).value, secrets[0].value);
  EXPECT_EQ(loaded->at(1).placeholder, "12345678");
  for (const std::string_view damage : {"", "{}", "[]", "{\"a\": \"zz\"}", "{\"a\": 1, \"b\": \"00\"}"}) {
    ASSERT_TRUE(write_file_atomic(file, damage));
    EXPECT_FALSE(load_secrets(file, stored)) << damage;
  }
}

TEST(KeptImageConfig, SaysHowToRun) {
  const auto kept = parse_kept_config(to_json(sample_image()));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->entrypoint, sample_image().entrypoint);
  EXPECT_EQ(kept->env, sample_image().env);
  EXPECT_EQ(kept->user, "app");
  EXPECT_FALSE(parse_kept_config("7"));
}

class SettledState : public testing::Test {
 protected:
  static store::BoxState state(BoxStatus status) {
    store::BoxState state;
    state.status = name(status);
    state.shim_pid = 10;
    return state;
  }
  const Timestamp now_ = *parse_rfc3339("2026-11-22T10:00:00Z");
};

TEST_F(SettledState, LeavesAloneWhatAgrees) {
  const auto stopped = state(BoxStatus::stopped);
  EXPECT_EQ(settled_state(stopped, {}, now_), stopped);
  Evidence alive{.is_alive = true};
  alive.shim = shimlink::ShimRecord{};
  alive.shim->shim.pid = 10;
  EXPECT_EQ(settled_state(state(BoxStatus::running), alive, now_), state(BoxStatus::running));
}

TEST_F(SettledState, AdoptsAMachineWhoseStarterWasKilled) {
  Evidence alive{.is_alive = true};
  alive.shim = shimlink::ShimRecord{};
  alive.shim->shim.pid = 77;
  alive.shim->vmm_pid = 78;
  alive.shim->started_at = now_;
  const auto settled = settled_state(state(BoxStatus::configured), alive, now_);
  EXPECT_EQ(settled.status, "running");
  EXPECT_EQ(settled.shim_pid, 77);
  EXPECT_EQ(settled.vmm_pid, 78);
  EXPECT_EQ(settled.started_at, to_rfc3339(now_));
  EXPECT_EQ(settled_state(state(BoxStatus::stopping), alive, now_).status, "running")
      << "its stopper was killed";
}

TEST_F(SettledState, EntersWhatTheShimWroteDown) {
  Evidence evidence;
  evidence.exit =
      shimlink::ExitRecord{.reason = shimlink::ExitReason::main_exited, .at = now_, .exit_code = 7};
  auto settled = settled_state(state(BoxStatus::running), evidence, now_);
  EXPECT_EQ(settled.status, "stopped");
  EXPECT_EQ(settled.exit_code, 7);
  EXPECT_FALSE(settled.shim_pid);
  evidence.exit->exit_code.reset();
  evidence.exit->signal = 9;
  EXPECT_EQ(settled_state(state(BoxStatus::running), evidence, now_).exit_code, 137);
  EXPECT_FALSE(settled.oom_killed);
  evidence.exit->oom_killed = true;
  settled = settled_state(state(BoxStatus::running), evidence, now_);
  EXPECT_TRUE(settled.oom_killed);
  settled = settled_state(settled, {.is_alive = true}, now_);
  EXPECT_FALSE(settled.oom_killed) << "it was the last machine's";
  evidence.exit = shimlink::ExitRecord{
      .reason = shimlink::ExitReason::boot_failed, .at = now_, .phase = "boot", .message = "m"};
  settled = settled_state(state(BoxStatus::configured), evidence, now_);
  EXPECT_EQ(settled.status, "failed");
  EXPECT_THAT(settled.failure, HasSubstr("phase boot"));
}

TEST_F(SettledState, TellsAKillFromARebootAndFromAStop) {
  const auto killed = settled_state(state(BoxStatus::running), {.last_words = "oh"}, now_);
  EXPECT_EQ(killed.status, "failed");
  EXPECT_THAT(killed.failure, HasSubstr("oh"));
  const auto rebooted = settled_state(state(BoxStatus::running), {.has_rebooted = true}, now_);
  const auto stopped = settled_state(state(BoxStatus::stopping), {}, now_);
  for (const auto& expected : {rebooted, stopped}) {
    EXPECT_EQ(expected.status, "stopped");
    EXPECT_EQ(expected.exit_code, 137) << "no success";
  }
}

}  // namespace
}  // namespace boxlite::box
