// SPDX-License-Identifier: Apache-2.0
// boxlite-agent: PID 1 of the guest. See docs/explanation/agent.md.
#include <csignal>
#include <exception>

#include <fcntl.h>
#include <unistd.h>

#include "agent/machine/console.h"
#include "agent/machine/machine.h"
#include "agent/machine/network.h"
#include "agent/server/agent.h"
#include "base/concat.h"
#include "linux/event_loop.h"

namespace boxlite::agent {
namespace {

Result<void> run() {
  const auto start_ns = boottime_ns();
  std::signal(SIGPIPE, SIG_IGN);
  BOXLITE_TRY(set_up_machine());
  // A box without it is still one.
  if (const auto done = set_up_network(); !done) log_line(done.error().message());
  auto port = BOXLITE_TRY(open_port("boxlite.agent", O_NONBLOCK));
  const auto loop = BOXLITE_TRY(linux_::EventLoop::create());
  Agent agent(*loop, start_ns);
  BOXLITE_TRY(agent.open_channel(std::move(port)));
  log_line(concat("ready ", (boottime_ns() - start_ns) / 1000, " us after its start"));
  while (true) {
    // An exception is a bug in one callback; the machine and its other commands go on.
    try {
      BOXLITE_TRY(loop->run());
    } catch (const std::exception& error) {
      log_line(error.what());
    }
  }
}

}  // namespace
}  // namespace boxlite::agent

int main() {
  if (::getpid() != 1) {
    boxlite::agent::log_line("runs as PID 1 of a guest only");
    return 2;
  }
  const auto end = boxlite::agent::run();
  // Without a channel there is nobody to serve.
  boxlite::agent::log_line(boxlite::concat("cannot go on: ", end ? "the loop ended" : end.error().message()));
  boxlite::agent::power_off();
}
