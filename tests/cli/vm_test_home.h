// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "support/leftovers.h"
#include "support/temp_home.h"

namespace boxlite::test {

// Tests that boot machines. They share one home, since its first box pays for the image's disk; each takes
// its boxes away and leaves no process behind. Where boxes cannot run they are skipped, with the reason,
// unless $BOXLITE_TEST_REQUIRE_VM is set.
class VmTest : public testing::Test {
 protected:
  static TempHome& home() {
    static TempHome shared(BOXLITE_PROGRAM);
    return shared;
  }

  void SetUp() override {
    static const ProgramResult doctor = home().run({"doctor"});
    if (doctor.code() == 0) return;
    ASSERT_EQ(std::getenv("BOXLITE_TEST_REQUIRE_VM"), nullptr) << doctor.out << doctor.err;
    GTEST_SKIP() << doctor.out << doctor.err;
  }

  void TearDown() override {
    const auto ids = home().run({"ls", "-aq"}).out;
    if (!ids.empty()) {
      const auto removed = home().run({"rm", "-fa"});
      EXPECT_EQ(removed.code(), 0) << removed.err;
    }
    for (const auto& left : wait_until_gone(home().directory(), std::chrono::seconds(30))) {
      ADD_FAILURE() << "left running: " << left.pid << " " << left.command;
    }
  }

  static ProgramResult run(std::vector<std::string> words, std::string stdin_bytes = {}) {
    return home().run(std::move(words), std::move(stdin_bytes));
  }

  // "run --rm -- sh -c SCRIPT"
  static ProgramResult shell(const std::string& script, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"run", "--rm"});
    options.insert(options.end(), {"--", "sh", "-c", script});
    return home().run(options);
  }
};

// With a box "w", not started yet.
class BoxVmTest : public VmTest {
 protected:
  void SetUp() override {
    VmTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto created = run({"create", "--name", "w", "boxlite/base"});
    ASSERT_EQ(created.code(), 0) << created.err;
  }
};

// Bytes that no text layer would leave alone: all values, in an order that never repeats within a block.
inline std::string awkward_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint64_t state = 88172645463325252U;
  for (auto& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<char>(state & 0xffU);
  }
  return bytes;
}

}  // namespace boxlite::test
