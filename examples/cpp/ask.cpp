// SPDX-License-Identifier: Apache-2.0
// A box whose owner is asked for each destination that no rule decides. The command waits for the answer.
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
  auto box = runtime->create({.network = {.ask = true}, .auto_remove = true});
  if (!box) return complain(box.error());

  const auto listener = box->on_network_request([](const boxlite::NetworkRequest& request) {
    std::printf("the box asks for %s %s port %u\n", request.protocol.c_str(), request.address.c_str(),
                request.port);
    return false;  // true lets it, until the policy changes or the box stops
  });
  if (!listener) return complain(listener.error());

  auto command = box->exec({.command = {"wget", "-q", "-O", "-", "http://198.51.100.1/"}});
  if (!command) return complain(command.error());
  const auto status = command->wait();
  if (!status) return complain(status.error());
  std::printf("it was told no: exit code %d\n", status->shell_code());
  return 0;
}
