// SPDX-License-Identifier: Apache-2.0
// boxlite-shim: started by libboxlite, one for each running box (src/shimlink/shim_process.h says how). What
// it prints goes to shim.stderr in the box's directory.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>

#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "engine/registry.h"
#include "shim/roles/ready_machine.h"
#include "shim/roles/shim.h"
#include "shim/roles/template_maker.h"
#include "shim/session/file_limit.h"
#include "shimlink/shim_process.h"

namespace {

using namespace boxlite;

// As a descriptor for the loop; the machine gets an empty mask again.
Result<UniqueFd> take_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&wanted, signal);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  UniqueFd signals(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.is_open()) return fail(syscall_error("signalfd", "shim", errno));
  return signals;
}

Result<void> run_once_claimed(engine::Engine& engine, const shimlink::ShimConfig& config,
                              shim::Inherited inherited) {
  auto claimed = BOXLITE_TRY(shim::ReadyMachine(engine, config, inherited).await_claim());
  if (!claimed) return {};
  inherited.watchdog = std::move(claimed->watchdog);
  auto box_config = std::move(claimed->config);
  return shim::Shim(engine, box_config, std::move(inherited), *std::move(claimed)).run();
}

Result<void> run() {
  ::umask(077);
  // Memory of the guest and the values of secrets must not end in a core file. (The limit does not hold where
  // core files go to a program: jail::hide_process() does.)
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  shim::raise_file_limit();
  shim::Inherited inherited{.listener = UniqueFd(shimlink::shim_listener_fd),
                            .lock = UniqueFd(shimlink::shim_lock_fd)};
  inherited.signals = BOXLITE_TRY(take_signals());
  std::signal(SIGPIPE, SIG_IGN);
  auto text = BOXLITE_TRY(read_all(STDIN_FILENO, "the config on stdin"));
  auto config = BOXLITE_TRY(shimlink::parse_shim_config(text));
  // There may be secrets in it.
  ::explicit_bzero(text.data(), text.size());
  if (!config.is_detached) inherited.watchdog = UniqueFd(shimlink::shim_watchdog_fd);
  const auto engine = BOXLITE_TRY(engine::make(config.engine));
  if (const auto& into = config.snapshot_into) {
    if (into->is_warm()) return shim::ReadyMachine(*engine, config, inherited).make_snapshot();
    return shim::TemplateMaker(*engine, config, std::move(inherited)).run();
  }
  if (config.awaits_claim) return run_once_claimed(*engine, config, std::move(inherited));
  shim::Shim shim(*engine, config, std::move(inherited));
  return shim.run();
}

}  // namespace

int main(int argc, char**) {
  try {
    // The box's directory, for those who read lists of processes.
    if (argc > 2) {
      std::fputs("boxlite-shim: takes no arguments; libboxlite starts it\n", stderr);
      return 2;
    }
    const auto outcome = run();
    if (outcome) return 0;
    std::fprintf(stderr, "boxlite-shim: %s\n", outcome.error().message().c_str());
    if (outcome.error().code() == ErrorCode::unsupported) return shimlink::cannot_snapshot;
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "boxlite-shim: bug: %s\n", bug.what());
  }
  return 1;
}
