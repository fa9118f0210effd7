// SPDX-License-Identifier: Apache-2.0
#include "support/temp_home.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include "support/disk_check.h"
#include "support/leftovers.h"

namespace boxlite::test {

namespace {

// Sanitizers and the place of temporary files are the caller's business as well.
constexpr std::array passed{"PATH",         "TMPDIR",        "BOXLITE_RUNTIME_DIR", "BOXLITE_ACCEL",
                            "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS",        "LSAN_OPTIONS"};

std::filesystem::path make_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "boxlite-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  return pattern;
}

}  // namespace

std::map<std::string, std::string> passed_environment() {
  std::map<std::string, std::string> environment;
  for (const char* name : passed) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  return environment;
}

TempHome::TempHome(std::string program) : program_(std::move(program)), directory_(make_directory()) {
  if (const char* other = std::getenv("BOXLITE_TEST_PROGRAM")) program_ = other;
}

TempHome::~TempHome() {
  kill_processes_of(directory_);
  wait_until_gone(directory_, std::chrono::seconds(5));
  expect_clean_disks(home() / "disks");
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::filesystem::path TempHome::runtime_dir() const {
  if (const char* directory = std::getenv("BOXLITE_RUNTIME_DIR")) return directory;
  return std::filesystem::path(program_).parent_path().parent_path() / "share" / "boxlite";
}

ProgramOptions TempHome::command(std::vector<std::string> words) const {
  ProgramOptions options;
  options.words = std::move(words);
  options.words.insert(options.words.begin(), program_);
  options.environment = passed_environment();
  options.environment["BOXLITE_HOME"] = home().string();
  // No credentials and settings of whoever runs the tests.
  options.environment["HOME"] = directory_.string();
  return options;
}

ProgramResult TempHome::run(std::vector<std::string> words, std::string stdin_bytes) const {
  auto options = command(std::move(words));
  options.stdin_bytes = std::move(stdin_bytes);
  return run_program(options);
}

}  // namespace boxlite::test
