// SPDX-License-Identifier: Apache-2.0
// What a box may reach, changed, asked for and recorded while it runs.
#include <atomic>

#include <sys/socket.h>

#include "base/concat.h"
#include "integration/box/box_fixture.h"
#include "support/greeter.h"

namespace boxlite::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class NetworkPolicyTest : public BoxTest {
 protected:
  static std::string shell(Box& box, const std::string& script) {
    const auto ran = run_in(box, {"sh", "-c", script});
    return ran.out + ran.err;
  }
  std::string ask_host(Box& box) {
    return shell(box, concat("nc 192.168.127.254 ", greeter_.port(), " </dev/null"));
  }

  // "TYPE VERDICT NAME ADDRESS RULE" of all that is recorded.
  static std::vector<std::string> recorded(const Box& box) {
    std::vector<std::string> lines;
    auto log = box.network_log();
    EXPECT_TRUE(log);
    while (log) {
      const auto record = log->next();
      if (!record || !*record) break;
      const auto& one = **record;
      lines.push_back(concat(one.type, ' ', one.verdict, ' ', one.name, ' ', one.address, ' ', one.rule));
    }
    return lines;
  }

  Greeter greeter_{AF_INET, SOCK_STREAM};
};

TEST_F(NetworkPolicyTest, ChangesWhileTheBoxRunsAndIsKept) {
  auto runtime = open();
  auto box = create(runtime);
  EXPECT_THAT(ask_host(box), HasSubstr("refused"));
  ASSERT_TRUE(box.set_network_policy({.allow = {"host.boxlite.internal"}}));
  EXPECT_THAT(ask_host(box), HasSubstr("from"));
  EXPECT_THAT(box.info()->spec.network.allow, ElementsAre("host.boxlite.internal"));
  ASSERT_TRUE(box.stop());
  EXPECT_THAT(ask_host(box), HasSubstr("from"));
  ASSERT_TRUE(box.stop());
  ASSERT_TRUE(box.set_network_policy({.allow = {"host.boxlite.internal"}, .deny = {"127.0.0.0/8"}}));
  EXPECT_THAT(ask_host(box), HasSubstr("refused"));
}

TEST_F(NetworkPolicyTest, RefusesAWrongRuleAndStaysAsItWas) {
  auto runtime = open();
  auto box = create(runtime, {.network = {.allow = {"host.boxlite.internal"}}});
  const auto set = box.set_network_policy({.allow = {"exam ple.com"}});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code(), ErrorCode::invalid_argument);
  EXPECT_THAT(set.error().message(), HasSubstr("at character 5"));
  EXPECT_THAT(ask_host(box), HasSubstr("from"));
  auto off = create(runtime, {.network = {.is_enabled = false}});
  EXPECT_EQ(off.set_network_policy({}).error().code(), ErrorCode::invalid_state);
}

TEST_F(NetworkPolicyTest, AsksOnceForADestination) {
  auto runtime = open();
  auto box = create(runtime, {.network = {.ask = true}});
  ASSERT_TRUE(box.start());
  EXPECT_THAT(shell(box, "nc 198.51.100.1 80 </dev/null"), HasSubstr("refused")) << "nobody listens";
  std::vector<std::string> asked;
  {
    const auto listener = box.on_network_request([&asked](const NetworkRequest& request) {
      asked.push_back(concat(request.protocol, ' ', request.address, ' ', request.port));
      return false;
    });
    ASSERT_TRUE(listener);
    EXPECT_THAT(shell(box, "nc 198.51.100.1 80 </dev/null; nc 198.51.100.1 80 </dev/null"),
                HasSubstr("refused"));
    EXPECT_THAT(shell(box, "nc 198.51.100.1 81 </dev/null"), HasSubstr("refused"));
    EXPECT_THAT(shell(box, "nc 10.1.2.3 80 </dev/null"), HasSubstr("refused"));
  }
  EXPECT_THAT(asked, ElementsAre("tcp 198.51.100.1 80", "tcp 198.51.100.1 81"));
  EXPECT_THAT(shell(box, "nc 198.51.100.1 82 </dev/null"), HasSubstr("refused")) << "nobody listens any more";
}

TEST_F(NetworkPolicyTest, ListensOverAStartOfTheBox) {
  auto runtime = open();
  auto box = create(runtime, {.network = {.ask = true}});
  std::atomic<int> asked = 0;
  const auto listener = box.on_network_request([&asked](const NetworkRequest&) -> bool {
    ++asked;
    throw 1;
  });
  ASSERT_TRUE(listener);
  EXPECT_THAT(shell(box, "nc 198.51.100.1 80 </dev/null"), HasSubstr("refused"));
  ASSERT_TRUE(box.stop());
  EXPECT_THAT(shell(box, "nc 198.51.100.1 80 </dev/null"), HasSubstr("refused"));
  EXPECT_EQ(asked, 2);
}

TEST_F(NetworkPolicyTest, RecordsWhatWasDecided) {
  auto runtime = open();
  auto box = create(runtime, {.network = {.allow = {"host.boxlite.internal"}}});
  EXPECT_THAT(ask_host(box), HasSubstr("from"));
  EXPECT_THAT(shell(box, "nc 198.51.100.1 80 </dev/null"), HasSubstr("refused"));
  EXPECT_THAT(shell(box, "nslookup evil.example 2>&1; true"), HasSubstr("NXDOMAIN"));
  const auto lines = recorded(box);
  EXPECT_THAT(lines, Contains("flow allow host.boxlite.internal 127.0.0.1 host.boxlite.internal"));
  EXPECT_THAT(lines, Contains("flow deny  198.51.100.1 "));
  EXPECT_THAT(lines, Contains("dns deny evil.example  "));
  auto last = box.network_log({.tail = 1});
  ASSERT_TRUE(last && last->next());
  EXPECT_FALSE(last->next().value());
}

}  // namespace
}  // namespace boxlite::test
