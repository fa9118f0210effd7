// SPDX-License-Identifier: Apache-2.0
// However a machine starts, its process is confined (what that keeps it from: tests/integration/jail), and
// neither it nor the shim has to do with the terminal.
#include <algorithm>
#include <sstream>
#include <string>

#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "integration/box/box_fixture.h"

namespace boxlite::test {
namespace {

std::string line_of(int pid, const char* file, std::string_view begin) {
  std::istringstream text(read_file(concat("/proc/", pid, "/", file)).value_or(""));
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(begin)) return line;
  return {};
}

// proc_pid_stat(5): behind the name come state, parent, group, session and terminal.
std::pair<int, int> session_and_terminal(int pid) {
  const auto stat = read_file(concat("/proc/", pid, "/stat")).value_or(") ? 0 0 0 -1");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string state;
  int parent = 0, group = 0, session = 0, terminal = -1;
  fields >> state >> parent >> group >> session >> terminal;
  return {session, terminal};
}

// The session of a process that the shim does not lead is the machine's own.
void expect_confined(const Box& box) {
  const auto info = *box.info();
  ASSERT_TRUE(info.vmm_pid);
  const auto machine = *info.vmm_pid;
  EXPECT_EQ(line_of(machine, "status", "Seccomp:"), "Seccomp:\t2");
  const auto filters = line_of(machine, "status", "Seccomp_filters:");
  EXPECT_GE(std::stoi(concat("0", filters.substr(std::min(filters.size(), filters.find('\t') + 1)))), 2)
      << filters;
  EXPECT_EQ(line_of(machine, "status", "NoNewPrivs:"), "NoNewPrivs:\t1");
  EXPECT_EQ(session_and_terminal(machine), std::pair(machine, 0));
  ASSERT_TRUE(info.shim_pid);
  EXPECT_EQ(session_and_terminal(*info.shim_pid), std::pair(*info.shim_pid, 0));
  EXPECT_THAT(read_file(concat("/proc/", machine, "/mountinfo")).value_or(""),
              testing::ContainsRegex(" / / ro[, ]"));
}

class ConfinedMachineTest : public BoxTest {};

TEST_F(ConfinedMachineTest, ThatGoesOnFromASavedOne) {
  auto runtime = open();
  auto box = create(runtime);
  ASSERT_TRUE(box.start());
  expect_confined(box);
  ASSERT_TRUE(box.stop());
  // The next one has a disk already.
  ASSERT_TRUE(box.start());
  expect_confined(box);
}

TEST_F(ConfinedMachineTest, ThatBoots) {
  auto runtime = open();
  auto box = create(runtime, {.cold_start = true});
  ASSERT_TRUE(box.start());
  expect_confined(box);
  EXPECT_EQ(run_in(box, {"sh", "-c", "echo hi"}).out, "hi\n");
}

TEST_F(ConfinedMachineTest, ThatFollowsAnotherOne) {
  auto runtime = open();
  auto box = create(runtime, {.command = {"sh", "-c", "sleep 1; exit 3"},
                              .restart = {.mode = RestartMode::on_failure, .max_retries = 1}});
  ASSERT_TRUE(box.start());
  const auto first = box.info()->vmm_pid;
  ASSERT_TRUE(comes_true([&] {
    const auto info = box.info();
    return info->status == BoxStatus::running && info->vmm_pid && info->vmm_pid != first;
  }));
  expect_confined(box);
}

}  // namespace
}  // namespace boxlite::test
