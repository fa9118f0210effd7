// SPDX-License-Identifier: Apache-2.0
// Control-C ends whatever call is under way: a pull, a start, the wait for a command. Without it, a minute
// does.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stop_token>
#include <thread>

#include <unistd.h>

#include <boxlite/boxlite.hpp>

namespace {

using namespace std::chrono_literals;

// Waits for the signal in a thread of its own: a handler may not do what has to be done.
class InterruptWatch {
 public:
  InterruptWatch() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::jthread([this](const std::stop_token& over) {
      const timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};
      while (!over.stop_requested()) {
        if (sigtimedwait(&signals_, nullptr, &pause) == SIGINT) source_.request_stop();
      }
    });
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_ = {};
  std::stop_source source_;
  std::jthread thread_;
};

boxlite::Result<boxlite::Output> run(boxlite::Runtime& runtime, const boxlite::CallOptions& call) {
  auto box = runtime.create({.auto_remove = true}, {.start_follows = true}, call);
  if (!box) return std::unexpected(box.error());
  if (auto started = box->start({}, call); !started) return std::unexpected(started.error());
  ::kill(::getpid(), SIGINT);  // so that this example ends
  return box->run_command({.command = {"sleep", "1000"}}, {}, {}, call);
}

}  // namespace

int main() {
  const InterruptWatch interrupt;
  auto runtime = boxlite::Runtime::open();
  if (!runtime) return 125;
  boxlite::CallOptions call = boxlite::CallOptions::within(60s);
  call.stop = interrupt.token();
  call.progress = [](const boxlite::Progress& at) { std::fprintf(stderr, "%s\n", at.stage.c_str()); };

  const auto output = run(*runtime, call);
  if (!output && output.error().code() == boxlite::ErrorCode::cancelled) std::printf("interrupted\n");
  if (auto closed = runtime->close(boxlite::CallOptions::within(10s)); !closed) return 125;
  std::printf("no box of ours runs\n");
  return 0;
}
