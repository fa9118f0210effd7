// SPDX-License-Identifier: Apache-2.0
#include "cli/output/output_json.h"

#include <gtest/gtest.h>

#include "cli/output/inspect_json.h"

namespace boxlite::cli {
namespace {

BoxInfo stopped_box() {
  BoxInfo box;
  box.id = "a1B2c3D4e5F6";
  box.spec.name = "web";
  box.spec.env = {{"A", "1"}};
  box.status = BoxStatus::stopped;
  box.exit_code = 7;
  box.start_stages = {{"boot", std::chrono::microseconds(1500)}};
  return box;
}

std::string field(const std::string& pattern, const std::string& json) {
  const auto text = render_template(pattern, json);
  return text ? *text : text.error().message;
}

TEST(OutputJsonTest, GivesListsTheNamesOfTheApi) {
  const auto json = boxes_json({stopped_box()});
  EXPECT_EQ(field("{{.id}} {{.name}} {{.status}} {{.exit_code}} {{.memory_mib}}", json),
            "a1B2c3D4e5F6 web stopped 7 512\n");
  EXPECT_EQ(boxes_json({}), "[]\n");
}

TEST(OutputJsonTest, GivesInspectTheShapeOfDockers) {
  const auto json = boxes_inspect_json({stopped_box(), stopped_box()});
  EXPECT_EQ(field("{{.State.Status}}", json), "stopped\nstopped\n");
  EXPECT_EQ(field("{{ json .Config.Env }}", boxes_inspect_json({stopped_box()})), "[\"A=1\"]\n");
  EXPECT_EQ(field("{{json .StartStages}}", boxes_inspect_json({stopped_box()})),
            "[{\"Name\":\"boot\",\"Milliseconds\":1.5}]\n");
  EXPECT_EQ(field("{{.State.Pid}}", boxes_inspect_json({stopped_box()})), "null\n");
}

TEST(OutputJsonTest, RefusesFieldsAndBracesThatAreNotThere) {
  const auto json = boxes_inspect_json({stopped_box()});
  EXPECT_EQ(render_template("{{.State.Nothing}}", json).error().exit_code, exit_usage);
  EXPECT_EQ(render_template("{{.Id", json).error().exit_code, exit_usage);
  EXPECT_EQ(render_template("{{range .}}", json).error().exit_code, exit_usage);
}

TEST(OutputJsonTest, ReplacesBytesThatAreNotUtf8) {
  auto box = stopped_box();
  box.spec.command = {"\xff\xfe"};
  EXPECT_NE(boxes_json({box}).find("\xef\xbf\xbd"), std::string::npos);
}

TEST(OutputJsonTest, TellsWhetherTheHostIsUsable) {
  HostReport report;
  report.checks = {{"qemu", CheckStatus::problem, "not found", "apt install qemu-system-x86"}};
  const auto list = "[" + doctor_json(report) + "]";
  EXPECT_EQ(field("{{.usable}} {{json .checks}}", list),
            "false [{\"name\":\"qemu\",\"status\":\"problem\",\"detail\":\"not found\","
            "\"remedy\":\"apt install qemu-system-x86\"}]\n");
}

}  // namespace
}  // namespace boxlite::cli
