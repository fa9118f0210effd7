// SPDX-License-Identifier: Apache-2.0
// stats, top, events and metrics of a box that runs.
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::MatchesRegex;

// Prometheus' text format, as strictly as its own parser takes it: HELP and TYPE first, once for each family,
// samples of a family together, no sample twice.
std::map<std::string, double> parse_prometheus(const std::string& text) {
  constexpr auto head = "# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+";
  constexpr auto sample =
      R"re([a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="([^"\\]|\\["\\n])*",?)*\})? [0-9.e+-]+)re";
  std::map<std::string, double> samples;
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  std::string family;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      EXPECT_THAT(line, MatchesRegex(head));
      std::string hash, kind, type;
      std::istringstream(line) >> hash >> kind >> family >> type;
      if (kind == "HELP") {
        EXPECT_TRUE(helped.insert(family).second) << line;
      } else {
        EXPECT_TRUE(types.emplace(family, type).second) << line;
        EXPECT_EQ(type, family.ends_with("_total") ? "counter" : "gauge") << line;
        EXPECT_TRUE(helped.contains(family)) << line;
      }
      continue;
    }
    EXPECT_THAT(line, MatchesRegex(sample));
    EXPECT_EQ(line.substr(0, line.find_first_of(" {")), family) << line;
    EXPECT_TRUE(types.contains(family)) << line;
    const auto space = line.rfind(' ');
    EXPECT_TRUE(samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second) << line;
  }
  EXPECT_TRUE(text.ends_with("\n"));
  return samples;
}

std::vector<std::string> types_of(const std::string& lines) {
  std::vector<std::string> types;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) types.push_back(json::parse(line).at("type"));
  return types;
}

class UsageVmTest : public VmTest {};

TEST_F(UsageVmTest, ShowsWhatABoxUsesRunsAndDoes) {
  const auto before = parse_prometheus(run({"metrics"}).out);
  Program follower(home().command({"events", "--format", "json", "--filter", "box=seen"}));
  // The follower is there once it shows the first event.
  for (int i = 0; i < 50 && !follower.wait_for_output("\"create\"", 200ms); ++i) {
    if (i > 0) {
      ASSERT_EQ(run({"rm", "seen"}).code(), 0);
    }
    ASSERT_EQ(run({"create", "--name", "seen", "boxlite/base"}).code(), 0);
  }
  const auto id = run({"ls", "-aq"}).out.substr(0, 12);
  ASSERT_EQ(run({"start", "seen"}).code(), 0);
  ASSERT_EQ(run({"exec", "seen", "sh", "-c", "head -c 30000000 /dev/zero > /f; sync; exit 3"}).exit_code, 3);
  ASSERT_EQ(run({"exec", "seen", "no-such-program"}).exit_code, 127);
  Program sleeper(home().command({"exec", "seen", "sleep", "4321"}));
  ASSERT_TRUE(follower.wait_for_output("sleep 4321", 20s)) << follower.out();

  const auto shown = run({"stats", "--no-stream", "--format", "json"});
  ASSERT_EQ(shown.code(), 0) << shown.err;
  const auto stats = json::parse(shown.out).at(0);
  EXPECT_EQ(stats.at("name"), "seen");
  const auto& guest = stats.at("guest");
  EXPECT_GT(guest.at("container_cpu_seconds"), 0.0);
  EXPECT_LT(guest.at("container_cpu_seconds"), guest.at("uptime_seconds"));
  EXPECT_GT(guest.at("memory_total_bytes"), 256u << 20);
  EXPECT_LT(guest.at("container_memory_bytes"), guest.at("memory_total_bytes"));
  EXPECT_GE(guest.at("container_memory_peak_bytes"), 30'000'000u) << "the file in the page cache";
  EXPECT_GE(guest.at("block_written_bytes"), 30'000'000u);
  EXPECT_GE(guest.at("container_pids"), 2);
  EXPECT_GT(stats.at("host").at("memory_pss_bytes"), 20u << 20);
  EXPECT_GT(stats.at("host").at("cpu_seconds"), 0.0);
  EXPECT_GE(stats.at("host").at("disk_bytes"), 30'000'000u);
  EXPECT_GE(stats.at("activity").at("commands"), 3);
  EXPECT_EQ(stats.at("activity").at("command_errors"), 1);
  EXPECT_THAT(run({"stats", "--no-stream", "seen"}).out, HasSubstr(id));

  const auto top = json::parse(run({"top", "--format", "json", "seen"}).out);
  const json* sleep = nullptr;
  for (const auto& process : top.at("processes")) {
    if (process.at("command") == json{"sleep", "4321"}) sleep = &process;
  }
  ASSERT_NE(sleep, nullptr) << top;
  EXPECT_EQ(sleep->at("user"), "root");
  EXPECT_EQ(sleep->at("state"), "S");
  EXPECT_THAT(run({"top", "seen"}).out, HasSubstr("sleep 4321"));

  const auto now = parse_prometheus(run({"metrics"}).out);
  const auto grown = [&](const std::string& name) { return now.at(name) - before.at(name); };
  EXPECT_EQ(grown("boxlite_boxes_started_total"), 1);
  EXPECT_GE(grown("boxlite_commands_total"), 3);
  EXPECT_EQ(grown("boxlite_command_errors_total"), 1);
  EXPECT_EQ(now.at("boxlite_boxes{status=\"running\"}"), 1);
  EXPECT_GT(now.at("boxlite_box_cpu_seconds_total{box=\"" + id + "\",name=\"seen\"}"), 0);

  ASSERT_EQ(run({"rm", "-f", "seen"}).code(), 0);
  ASSERT_TRUE(follower.wait_for_output("\"remove\"", 20s)) << follower.out();
  EXPECT_THAT(run({"top", "seen"}).err, HasSubstr("no box"));
  const auto after = parse_prometheus(run({"metrics"}).out);
  EXPECT_EQ(after.at("boxlite_boxes_stopped_total") - before.at("boxlite_boxes_stopped_total"), 1);

  const auto past =
      run({"events", "--since", "1h", "--until", "0s", "--format", "json", "--filter", "box=" + id});
  ASSERT_EQ(past.code(), 0) << past.err;
  const auto types = types_of(past.out);
  EXPECT_THAT(types, IsSupersetOf({"create", "start", "ready", "exec", "exec_die", "die", "remove"}));
  EXPECT_EQ(types.front(), "create");
  EXPECT_EQ(types.back(), "remove");
  const auto only = run({"events", "--since", "1h", "--until", "0s", "--format", "json", "--filter",
                         "box=" + id, "--filter", "type=start", "--filter", "type=ready"});
  EXPECT_THAT(types_of(only.out), ElementsAre("start", "ready"));
}

}  // namespace
}  // namespace boxlite::test
