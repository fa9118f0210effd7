// SPDX-License-Identifier: Apache-2.0
#include "cli/options/box_options.h"

#include <gmock/gmock.h>

#include "cli/call.h"

namespace boxlite::cli {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

// The command line of `run`, as far as it goes without a runtime.
struct Line {
  BoxOptions box;
  ProcessOptions process;

  Parsed<BoxSpec> read(std::vector<std::string> words) {
    OptionSet options({.usage = "boxlite run [OPTIONS] IMAGE", .sentence = "", .example = ""});
    box.declare(options, process, true);
    Call call{.words = std::move(words), .global = {}};
    const auto arguments = call.parse(options, {.least = 0, .most = any_number, .wanted = {}},
                                      OptionPlacement::before_first_argument);
    if (!arguments) return std::unexpected(arguments.error());
    return box.spec(*arguments, process);
  }
};

TEST(BoxOptionsTest, KeepsTheLastValueOfEachLabel) {
  const auto spec = Line().read({"-l", "team=red", "--label=ready", "--label", "team=a=b", "i"});
  ASSERT_TRUE(spec);
  using Label = std::pair<std::string, std::string>;
  EXPECT_THAT(spec->labels, ElementsAre(Label("ready", ""), Label("team", "a=b")));
  EXPECT_FALSE(Line().read({"--label", "=x", "i"}));
}

TEST(BoxOptionsTest, TakesNamesAndNameServersAsDockerDoes) {
  const auto spec = Line().read({"--add-host", "db:192.0.2.1", "--add-host=six=[2001:db8::1]", "--add-host",
                                 "h:host-gateway", "--add-host", "bare:2001:db8::2", "--dns", "192.0.2.2",
                                 "--dns-search", "example.com", "--dns-option", "ndots:2", "--expose", "80",
                                 "-P", "--host-ca", "system", "i"});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_THAT(spec->network.hosts,
              ElementsAre(HostEntry{"db", "192.0.2.1"}, HostEntry{"six", "2001:db8::1"},
                          HostEntry{"h", "host-gateway"}, HostEntry{"bare", "2001:db8::2"}));
  EXPECT_EQ(spec->network.dns,
            (DnsSettings{.servers = {"192.0.2.2"}, .search = {"example.com"}, .options = {"ndots:2"}}));
  EXPECT_TRUE(spec->network.publish_exposed);
  EXPECT_THAT(spec->network.exposed, ElementsAre(ExposedPort{.port = 80}));
  EXPECT_THAT(spec->authorities, ElementsAre("system"));
  for (const auto* text : {"db", ":192.0.2.1", "db:", "="})
    EXPECT_FALSE(Line().read({"--add-host", text, "i"})) << text;
}

TEST(BoxOptionsTest, SplitsImageAndCommand) {
  const auto spec = Line().read({"--rm", "debian:python", "python3", "-c", "print(6*7)"});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->image, "debian:python");
  EXPECT_THAT(spec->command, ElementsAre("python3", "-c", "print(6*7)"));
  EXPECT_TRUE(spec->auto_remove);
  EXPECT_FALSE(spec->detach);
}

TEST(BoxOptionsTest, UsesTheBundledImageWhenTheCommandStandsAlone) {
  const auto spec = Line().read({"--", "uname", "-a"});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->image, "boxlite/base:latest");
  EXPECT_THAT(spec->command, ElementsAre("uname", "-a"));
}

TEST(BoxOptionsTest, DropsASeparatorBetweenImageAndCommand) {
  const auto spec = Line().read({"alpine", "--", "ls", "--", "-la"});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->image, "alpine");
  EXPECT_THAT(spec->command, ElementsAre("ls", "--", "-la"));
}

TEST(BoxOptionsTest, FillsEveryFieldOfTheSpec) {
  const auto spec = Line().read({"--name",
                                 "web",
                                 "-e",
                                 "A=1",
                                 "-w",
                                 "/srv",
                                 "-u",
                                 "1000:100",
                                 "-d",
                                 "--cpus",
                                 "2",
                                 "-m",
                                 "1.5g",
                                 "--disk-size=20",
                                 "--entrypoint",
                                 "python3",
                                 "--hostname",
                                 "h",
                                 "--platform",
                                 "linux/amd64",
                                 "--cap-add",
                                 "NET_ADMIN",
                                 "--cap-drop",
                                 "ALL",
                                 "--privileged",
                                 "--read-only",
                                 "--shm-size=1g",
                                 "--ulimit",
                                 "nofile=1:2",
                                 "--start-timeout",
                                 "1m",
                                 "img"});
  ASSERT_TRUE(spec) << spec.error().message;
  BoxSpec expected;
  expected.image = "img";
  expected.name = "web";
  expected.platform = "linux/amd64";
  expected.cpus = 2;
  expected.memory_mib = 1536;
  expected.disk_size_gib = 20;
  expected.entrypoint = {"python3"};
  expected.env = {{"A", "1"}};
  expected.working_dir = "/srv";
  expected.user = "1000:100";
  expected.hostname = "h";
  expected.capabilities = {.add = {"NET_ADMIN"}, .drop = {"ALL"}};
  expected.privileged = true;
  expected.read_only = true;
  expected.shm_bytes = 1u << 30;
  expected.ulimits = {{"nofile", 1, 2}};
  expected.detach = true;
  expected.start_timeout = milliseconds(60'000);
  EXPECT_EQ(*spec, expected);
}

TEST(BoxOptionsTest, KnowsHowTheMainCommandIsRunAndStopped) {
  const auto spec =
      Line().read({"--init", "--systemd", "--stop-signal", "RTMIN+3", "--stop-timeout", "10", "img"});
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->init);
  EXPECT_TRUE(spec->systemd);
  EXPECT_EQ(spec->stop_signal, "RTMIN+3");
  EXPECT_EQ(spec->stop_timeout, std::chrono::seconds(10));
  EXPECT_EQ(Line().read({"--stop-timeout", "500ms", "img"})->stop_timeout, milliseconds(500));
  EXPECT_FALSE(Line().read({"img"})->stop_timeout);
  EXPECT_FALSE(Line().read({"--stop-signal", "FOO", "img"}));
}

TEST(BoxOptionsTest, KnowsHowABoxIsLookedAfter) {
  const auto spec = Line().read({"-it", "--restart", "on-failure:3", "--log-max-size", "1m",
                                 "--log-max-files", "2", "--health-cmd", "test -e /x", "--health-interval",
                                 "5s", "--auto-stop", "10m", "--auto-delete", "1d", "img"});
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->use_stdin);
  EXPECT_TRUE(spec->terminal);
  EXPECT_EQ(spec->restart, (RestartPolicy{RestartMode::on_failure, 3}));
  EXPECT_EQ(spec->logs, (LogLimits{.file_bytes = 1u << 20, .files = 2}));
  EXPECT_EQ(spec->health.probe, HealthCheck::Probe::command);
  EXPECT_THAT(spec->health.command, ElementsAre("/bin/sh", "-c", "test -e /x"));
  EXPECT_EQ(spec->health.interval, std::chrono::seconds(5));
  EXPECT_EQ(spec->auto_stop, std::chrono::minutes(10));
  EXPECT_EQ(spec->auto_delete, std::chrono::hours(24));
  EXPECT_EQ(Line().read({"--restart", "unless-stopped", "img"})->restart.mode, RestartMode::unless_stopped);
  for (const char* wrong : {"sometimes", "always:3", "on-failure:x", ""}) {
    EXPECT_FALSE(Line().read({"--restart", wrong, "img"})) << wrong;
  }
  EXPECT_FALSE(Line().read({"--health-ping", "--no-healthcheck", "img"}));
}

TEST(BoxOptionsTest, KeepsTheDefaultsOfTheLibrary) {
  const auto spec = Line().read({"img"});
  ASSERT_TRUE(spec);
  BoxSpec expected;
  expected.image = "img";
  EXPECT_EQ(*spec, expected);
}

TEST(BoxOptionsTest, TellsAnEmptyEntrypointFromNone) {
  EXPECT_THAT(Line().read({"--entrypoint", "", "img"})->entrypoint, Optional(IsEmpty()));
  EXPECT_EQ(Line().read({"img"})->entrypoint, std::nullopt);
}

TEST(BoxOptionsTest, ReadsHowToAttach) {
  Line line;
  ASSERT_TRUE(line.read({"-i", "--timeout", "1.5s", "img"}));
  const auto exec = line.process.attachment();
  ASSERT_TRUE(exec);
  EXPECT_TRUE(exec->use_stdin);
  EXPECT_EQ(exec->timeout, milliseconds(1500));
  EXPECT_EQ(exec->terminal, std::nullopt);
}

TEST(BoxOptionsTest, RefusesBadValues) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--cpus", "1.5", "i"},
                                                                 {"--cpus", "-1", "i"},
                                                                 {"--memory", "lots", "i"},
                                                                 {"--memory", "0", "i"},
                                                                 {"--disk-size", "", "i"},
                                                                 {"--disk-size", "1k", "i"},
                                                                 {"--shm-size", "0", "i"},
                                                                 {"--pull", "sometimes", "i"},
                                                                 {"--start-timeout", "soon", "i"},
                                                                 {"--accel", "xen", "i"},
                                                                 {"-e", "=x", "i"},
                                                                 {"--env-file", "/nonexistent", "i"}}) {
    const auto spec = Line().read(words);
    ASSERT_FALSE(spec) << words[0] << ' ' << words[1];
    EXPECT_EQ(spec.error().exit_code, exit_usage) << spec.error().message;
  }
}

TEST(BoxOptionsTest, DescribeTheNetwork) {
  const auto spec = Line().read(
      {"-p", "8080:80", "--publish=53/udp", "--allow-net", "example.com", "--net-tx", "1000", "i"});
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->network, (NetworkSpec{.allow = {"example.com"},
                                        .ports = {{.host_port = 8080, .box_port = 80},
                                                  {.box_port = 53, .protocol = PortProtocol::udp}},
                                        .send_limit_kbit = 1000}));
  EXPECT_FALSE(Line().read({"--network", "none", "i"})->network.is_enabled);
  EXPECT_EQ(Line().read({"--network", "bridge", "i"}).error().exit_code, exit_usage);
  EXPECT_EQ(Line().read({"-p", "x", "i"}).error().exit_code, exit_usage);
}

TEST(BoxOptionsTest, SaysWhatIsNotBuiltYet) {
  for (const char* word : {"--link", "--gpus"}) {
    const auto spec = Line().read({word, "x", "img"});
    ASSERT_FALSE(spec) << word;
    EXPECT_EQ(spec.error().exit_code, exit_failure) << word;
    EXPECT_THAT(spec.error().message, testing::HasSubstr("not built yet"));
  }
}

TEST(BoxOptionsTest, TakesGlobalOptionsToo) {
  BoxOptions box;
  ProcessOptions process;
  OptionSet options({.usage = "boxlite run", .sentence = "", .example = ""});
  box.declare(options, process, true);
  Call call{.words = {"--home", "/h", "--accel", "tcg", "--registry", "a", "--registry", "b", "img"},
            .global = {}};
  ASSERT_TRUE(call.parse(options, {.least = 1, .most = any_number, .wanted = "IMAGE"},
                         OptionPlacement::before_first_argument));
  EXPECT_EQ(call.global.home, "/h");
  EXPECT_EQ(call.global.accelerator, Accelerator::tcg);
  EXPECT_THAT(call.global.registries, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace boxlite::cli
