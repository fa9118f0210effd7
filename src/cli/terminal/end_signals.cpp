// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/end_signals.h"

#include <atomic>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/terminal/pipe.h"

namespace boxlite::cli {

namespace {

// A signal handler has no other way to know where to write.
std::atomic<int> end_fd = -1;

extern "C" void note_end(int) {
  const int saved_errno = errno;
  const char byte = 0;
  [[maybe_unused]] const auto written = ::write(end_fd.load(), &byte, 1);
  errno = saved_errno;
}

}  // namespace

Result<std::unique_ptr<EndSignals>> EndSignals::start() {
  auto pipe = make_pipe(O_NONBLOCK);
  if (!pipe) return std::unexpected(pipe.error());
  return std::unique_ptr<EndSignals>(new EndSignals(std::move(pipe->reader), std::move(pipe->writer)));
}

EndSignals::EndSignals(Descriptor reader, Descriptor writer)
    : reader_(std::move(reader)), writer_(std::move(writer)) {
  end_fd = writer_.get();
  struct sigaction action{};
  action.sa_handler = note_end;
  // Once: a user in a hurry sends it again.
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < watched.size(); ++i) {
    ::sigaction(watched[i], nullptr, &before_[i]);
    // What our parent ignores (nohup) stays ignored.
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(watched[i], &action, nullptr);
  }
}

bool EndSignals::has_come() const {
  pollfd entry{.fd = reader_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

EndSignals::~EndSignals() {
  for (std::size_t i = 0; i < watched.size(); ++i) ::sigaction(watched[i], &before_[i], nullptr);
  end_fd = -1;
}

}  // namespace boxlite::cli
