// SPDX-License-Identifier: Apache-2.0
// A box, a command in it, its output and its exit code.
#include <cstdio>

#include <boxlite/boxlite.hpp>

namespace {

int complain(const boxlite::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message().c_str());
  if (!error.remedy().empty()) std::fprintf(stderr, "  remedy: %s\n", error.remedy().c_str());
  return 125;
}

}  // namespace

int main() {
  auto runtime = boxlite::Runtime::open();
  if (!runtime) return complain(runtime.error());
  auto box = runtime->create({.auto_remove = true});
  if (!box) return complain(box.error());

  auto output = box->run_command({.command = {"sh", "-c", "echo hello from $(uname -sr)"}});
  if (!output) return complain(output.error());
  std::fwrite(output->stdout_text.data(), 1, output->stdout_text.size(), stdout);
  return output->status.shell_code();
}
