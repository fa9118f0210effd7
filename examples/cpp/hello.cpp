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

  auto command = box->exec({.command = {"sh", "-c", "echo hello from $(uname -sr)"}});
  if (!command) return complain(command.error());
  std::byte buffer[4096];
  while (true) {
    const auto count = command->read(boxlite::OutputStream::stdout_, buffer);
    if (!count) return complain(count.error());
    if (*count == 0) break;
    std::fwrite(buffer, 1, *count, stdout);
  }
  const auto status = command->wait();
  if (!status) return complain(status.error());
  return status->shell_code();
}
