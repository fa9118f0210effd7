// SPDX-License-Identifier: Apache-2.0
// many_commands HOME BOX COUNT: runs `true` COUNT times at once in a running box, from one thread, and prints
// the seconds until the last one has ended.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <vector>

#include <boxlite/boxlite.hpp>

namespace {

[[noreturn]] void give_up(const boxlite::Error& error) {
  std::fprintf(stderr, "many_commands: %s\n", error.message().c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const long count = std::strtol(argv[3], nullptr, 10);
  boxlite::RuntimeOptions options;
  options.home = argv[1];
  auto runtime = boxlite::Runtime::open(options);
  if (!runtime) give_up(runtime.error());
  auto box = runtime->get(argv[2]);
  if (!box) give_up(box.error());
  const auto began = std::chrono::steady_clock::now();
  std::latch ended(count);
  std::vector<boxlite::Execution> executions;
  for (long i = 0; i < count; ++i) {
    auto execution = box->exec({.command = {"true"}});
    if (!execution) give_up(execution.error());
    execution->wait_async([&ended](const boxlite::Result<boxlite::ExitStatus>& status) {
      if (!status || !status->is_success()) std::abort();
      ended.count_down();
    });
    executions.push_back(*execution);
  }
  ended.wait();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.6f\n", took.count());
}
