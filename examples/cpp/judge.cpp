// SPDX-License-Identifier: Apache-2.0
// A stranger's program is tried: without a network, in little memory, for a limited time, and with a limit on
// what it says.
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <boxlite/boxlite.hpp>

namespace {

using namespace std::chrono_literals;

int complain(const boxlite::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message().c_str());
  if (!error.remedy().empty()) std::fprintf(stderr, "  remedy: %s\n", error.remedy().c_str());
  return 125;
}

// "Accepted", or what was wrong.
boxlite::Result<std::string> judge(boxlite::Box& box, std::string_view program, std::string_view input) {
  auto files = box.files();
  const auto stored = files.write("/root/program.sh", std::as_bytes(std::span(program)));
  if (!stored) return std::unexpected(stored.error());

  const auto output =
      box.run_command({.command = {"sh", "/root/program.sh"}, .use_stdin = true, .timeout = 5s},
                      std::as_bytes(std::span(input)), {.limit = 64 << 10},
                      {.deadline = std::chrono::steady_clock::now() + 30s});
  if (!output) return std::unexpected(output.error());

  if (output->status.timed_out) return "Time limit exceeded";
  if (output->status.oom_killed) return "Memory limit exceeded";
  if (!output->status.is_success())
    return "Runtime error " + std::to_string(output->status.shell_code()) + ": " + output->stderr_text;
  if (!output->is_whole()) return "Output limit exceeded";
  return output->stdout_text == "42\n" ? "Accepted" : "Wrong answer";
}

}  // namespace

int main() {
  auto runtime = boxlite::Runtime::open();
  if (!runtime) return complain(runtime.error());
  auto box = runtime->create({.memory_mib = 128, .network = {.is_enabled = false}, .auto_remove = true});
  if (!box) return complain(box.error());

  for (const std::string_view program : {"read a b; echo $((a * b))", "echo 41", "exit 3", "yes"}) {
    const auto verdict = judge(*box, program, "6 7\n");
    if (!verdict) return complain(verdict.error());
    std::printf("%s\n", verdict->c_str());
  }
  return 0;
}
