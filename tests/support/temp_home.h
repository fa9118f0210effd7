// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/program.h"

namespace boxlite::test {

// A BoxLite home of its own and the command-line program that works in it. When it goes, the disks that
// images were made into are checked, and it takes the processes that belong to it, and its files, along. One
// thread; the programs it starts may run at the same time.
class TempHome {
 public:
  // `program` is the path of `boxlite`; $BOXLITE_TEST_PROGRAM wins over it.
  explicit TempHome(std::string program);
  TempHome(const TempHome&) = delete;
  TempHome& operator=(const TempHome&) = delete;
  ~TempHome();

  // A directory for files of the test is beside the home.
  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path home() const { return directory_ / "home"; }

  // Where the guest's files are: $BOXLITE_RUNTIME_DIR, else ../share/boxlite of the program.
  std::filesystem::path runtime_dir() const;

  // Settings for `boxlite WORDS…`, to be changed before use.
  ProgramOptions command(std::vector<std::string> words) const;
  // Runs it to its end.
  ProgramResult run(std::vector<std::string> words, std::string stdin_bytes = {}) const;

 private:
  std::string program_;
  std::filesystem::path directory_;
};

// What the tests pass on of their own environment: PATH, BOXLITE_RUNTIME_DIR, BOXLITE_ACCEL and so on.
std::map<std::string, std::string> passed_environment();

}  // namespace boxlite::test
