// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <boxlite/boxlite.hpp>

#include "base/files.h"

namespace boxlite::test {

// What a command wrote, and how it ended.
struct Ran {
  std::string out;
  std::string err;
  ExitStatus status;
};

// Writes `input`, reads both streams to their ends, waits. A failure of the runtime fails the test.
Ran finish(Execution execution, std::string_view input = {});

// A home of its own. Afterwards no process and no box directory without a box is left.
class BoxTest : public testing::Test {
 protected:
  BoxTest();
  void SetUp() override;
  void TearDown() override;

  std::filesystem::path directory() const { return directory_->path(); }
  std::filesystem::path home() const { return directory() / "home"; }
  RuntimeOptions options() const;
  Runtime open() const;

  // Runs `body` in a process of its own, which ends with its result: 0 is success. Legal while this process
  // has no Runtime open.
  pid_t fork_process(const std::function<int()>& body) const;
  // The exit code, or 128 + signal.
  static int wait_for(pid_t child);

  // Waits until the box has the status, at most 20 s.
  static bool comes_true(const std::function<bool()>& condition);
  static testing::AssertionResult becomes(const Box& box, BoxStatus status);

 private:
  Result<TempDir> directory_;
};

Box create(Runtime& runtime, BoxSpec spec = {});
Ran run_in(Box& box, std::vector<std::string> command, std::string_view input = {});

}  // namespace boxlite::test
