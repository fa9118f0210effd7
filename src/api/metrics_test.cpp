// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boxlite/metrics.hpp>

namespace boxlite {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

BoxStats at(std::chrono::nanoseconds uptime, std::chrono::nanoseconds cpu) {
  BoxStats stats;
  stats.guest.emplace();
  stats.guest->uptime = uptime;
  stats.guest->container_cpu = cpu;
  return stats;
}

TEST(CpuPercent, IsOfOneCpuBetweenTwoReadings) {
  EXPECT_DOUBLE_EQ(cpu_percent(at(10s, 1s), at(12s, 2s)), 50);
  EXPECT_DOUBLE_EQ(cpu_percent(at(10s, 1s), at(11s, 3s)), 200);
}

TEST(CpuPercent, IsZeroWhenItCannotBeSaid) {
  EXPECT_EQ(cpu_percent(at(10s, 1s), at(10s, 2s)), 0);
  EXPECT_EQ(cpu_percent(at(10s, 5s), at(1s, 1s)), 0) << "started anew";
  EXPECT_EQ(cpu_percent(at(1s, 5s), at(2s, 1s)), 0);
  EXPECT_EQ(cpu_percent(BoxStats(), at(2s, 1s)), 0);
}

TEST(PrometheusText, SaysWhatTheHomeHasDone) {
  RuntimeMetrics metrics;
  metrics.boxes_created = 7;
  metrics.boxes = {{BoxStatus::running, 2}, {BoxStatus::failed, 0}};
  const auto text = prometheus_text(metrics);
  EXPECT_THAT(text, HasSubstr("# TYPE boxlite_boxes_created_total counter\nboxlite_boxes_created_total 7\n"));
  EXPECT_THAT(text, HasSubstr("boxlite_boxes{status=\"running\"} 2\nboxlite_boxes{status=\"failed\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("boxlite_box_")));
}

TEST(PrometheusText, EscapesNamesAndLeavesOutWhatNoGuestSaid) {
  auto answers = at(2s, 1500ms);
  answers.id = "abc";
  answers.name = "a\"b\\c\nd";
  BoxStats silent;
  silent.id = "def";
  const auto text = prometheus_text({}, std::vector{answers, silent});
  EXPECT_THAT(text, HasSubstr(R"(boxlite_box_cpu_seconds_total{box="abc",name="a\"b\\c\nd"} 1.5)"));
  EXPECT_THAT(text, Not(HasSubstr(R"(boxlite_box_cpu_seconds_total{box="def")")));
  EXPECT_THAT(text, HasSubstr(R"(boxlite_box_host_cpu_seconds_total{box="def",name=""} 0)"));
}

}  // namespace
}  // namespace boxlite
