// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/process_end.h"

#include <csignal>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/process_image.h"

namespace boxlite::engine::qemu {
namespace {

TEST(MachineEnd, OfAProcessThatEndedInOrderHasItsComplaintsOnly) {
  EXPECT_EQ(machine_end({}), MachineEnd());
  EXPECT_EQ(machine_end({.complaints = "odd"}), (MachineEnd{EndReason::ended, "odd"}));
}

TEST(MachineEnd, SaysHowTheProcessEnded) {
  EXPECT_EQ(machine_end({.end = {.exit_code = 1}, .complaints = "no such disk"}),
            (MachineEnd{EndReason::failed, "QEMU ended with exit code 1: no such disk"}));
  EXPECT_EQ(machine_end({.end = {.signal = SIGSEGV}}),
            (MachineEnd{EndReason::failed, "QEMU ended with signal 11"}));
}

TEST(MachineEnd, TellsOurKillFromTheKernels) {
  EXPECT_EQ(machine_end({.end = {.signal = SIGKILL}}).reason, EndReason::lacks_resources);
  EXPECT_EQ(machine_end({.end = {.signal = SIGKILL}, .was_killed = true}).reason, EndReason::killed);
}

TEST(MachineEnd, KnowsTheCodesOfThawingWhereAProcessWasThawed) {
  const linux_::ChildEnd cannot{.exit_code = freeze::cannot_thaw};
  const linux_::ChildEnd lacks{.exit_code = freeze::lacks_resources};
  EXPECT_EQ(machine_end({.end = cannot, .was_thawed = true}).reason, EndReason::cannot_restore);
  EXPECT_EQ(machine_end({.end = lacks, .was_thawed = true}).reason, EndReason::lacks_resources);
  EXPECT_EQ(machine_end({.end = cannot}).reason, EndReason::failed);
  EXPECT_EQ(machine_end({.end = lacks}).reason, EndReason::failed);
}

TEST(Complaints, AreTheLastLinesOfTheLog) {
  const auto dir = TempDir::create(testing::TempDir(), "complaints-");
  const auto path = dir->path() / "log";
  std::string text;
  for (int line = 0; line < 5000; ++line) text += concat("line ", line, "\n");
  ASSERT_TRUE(write_file_atomic(path, text));
  const auto log = open_file(path, O_RDWR | O_APPEND);
  EXPECT_EQ(complaints_in(log->get()), "line 4995\nline 4996\nline 4997\nline 4998\nline 4999");
  const auto closed = open_file(path, O_WRONLY);
  EXPECT_EQ(complaints_in(closed->get()), "");
  EXPECT_EQ(complaints_in(-1), "");
}

}  // namespace
}  // namespace boxlite::engine::qemu
