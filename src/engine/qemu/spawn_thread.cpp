// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/spawn_thread.h"

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/prctl.h>

#include "base/concat.h"
#include "jail/read_only_view.h"
#include "jail/system_calls.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::engine::qemu {
namespace {

// What the child does to itself before it becomes the program.
class Closing : public linux_::ChildStep {
 public:
  Closing(const jail::FileConfinement* files, jail::SystemCallFilter& calls) : files_(files), calls_(calls) {}
  int descriptor() const override { return files_ == nullptr ? -1 : files_->fd(); }
  bool run(int rules) override {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return (files_ == nullptr || jail::FileConfinement::enter(rules)) && calls_.install();
  }

 private:
  const jail::FileConfinement* files_;
  jail::SystemCallFilter& calls_;
};

// Where the kernel gives no view, the program may not change what the view would have protected.
Result<jail::Metadata> enter_view(const jail::FileAccess& access) {
  auto entered = jail::enter_read_only_view(access.writable);
  if (entered) return jail::Metadata::by_mounts;
  if (entered.error().code() == ErrorCode::unsupported) return jail::Metadata::refused;
  return std::unexpected(std::move(entered).error());
}

Result<linux_::ChildProcess> spawn_closed(linux_::ChildSpec spec, const jail::FileAccess& access,
                                          jail::Metadata metadata) {
  std::optional<jail::FileConfinement> files;
  if (jail::can_confine_files()) files = BOXLITE_TRY(jail::FileConfinement::create(access));
  jail::SystemCallFilter calls(metadata);
  Closing closing(files ? &*files : nullptr, calls);
  spec.last_step = &closing;
  return linux_::ChildProcess::spawn(spec);
}

// None where it need not be.
Result<std::optional<UniqueFd>> try_to_intercept(jail::Intercepted calls) {
  auto listener = jail::intercept(calls);
  if (listener) return std::optional(*std::move(listener));
  if (calls == jail::Intercepted::programs && listener.error().code() == ErrorCode::unsupported)
    return std::optional<UniqueFd>();
  return std::unexpected(std::move(listener).error());
}

// The child waits for our word before it becomes the program. It may also fail before it asks.
void serve_start(jail::OpenBroker& broker, int outcome_fd) {
  std::array<pollfd, 2> waiting{{{broker.fd(), POLLIN, 0}, {outcome_fd, POLLIN, 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
  }
  if (waiting[0].revents != 0) (void)broker.serve();
}

void serve_until_the_end(jail::OpenBroker& broker, int end_fd) {
  std::array<pollfd, 2> waiting{{{broker.fd(), POLLIN, 0}, {end_fd, POLLIN, 0}}};
  while (waiting[1].revents == 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents == 0) continue;
    // Nobody is left who could ask: poll() passes over what is negative.
    if ((waiting[0].revents & POLLIN) == 0 || !broker.serve()) waiting[0].fd = -1;
  }
}

// What the thread tells the one that waits for it.
struct Outcome {
  std::promise<Result<std::optional<UniqueFd>>> listener;
  std::promise<Result<linux_::ChildProcess>> child;
  UniqueFd running;  // closed when the child runs, or never will
};

void prepare_and_spawn(const SpawnThread::Prepare& prepare, const Confinement& confinement,
                       Outcome& outcome) {
  auto metadata = enter_view(confinement.files);
  if (!metadata) return outcome.listener.set_value(std::unexpected(std::move(metadata).error()));
  auto prepared = prepare();
  if (!prepared) return outcome.listener.set_value(std::unexpected(std::move(prepared).error()));
  auto listener = try_to_intercept(confinement.intercepted);
  const bool can_go_on = listener.has_value();
  outcome.listener.set_value(std::move(listener));
  if (!can_go_on) return;
  auto child = spawn_closed(prepared->child, confinement.files, *metadata);
  outcome.running.reset();
  outcome.child.set_value(std::move(child));
}

}  // namespace

Result<std::pair<SpawnThread, SpawnThread::Started>> SpawnThread::spawn(const Prepare& prepare,
                                                                        const Confinement& confinement) {
  SpawnThread self;
  auto ends = BOXLITE_TRY(linux_::unix_socket_pair());
  Outcome outcome{.listener = {}, .child = {}, .running = std::move(ends.second)};
  auto listening = outcome.listener.get_future();
  auto started = outcome.child.get_future();
  auto until = BOXLITE_TRY(linux_::unix_socket_pair());
  self.until_ = std::move(until.first);
  self.thread_ =
      std::thread([&prepare, &confinement, outcome = std::move(outcome), end = std::move(until.second),
                   given = self.broker_.emplace().get_future()]() mutable {
        prepare_and_spawn(prepare, confinement, outcome);
        if (auto broker = given.get()) serve_until_the_end(*broker, end.get());
      });
  auto calls = BOXLITE_TRY(listening.get());
  std::optional<jail::OpenBroker> broker;
  if (calls) serve_start(broker.emplace(*std::move(calls)), ends.first.get());
  auto process = BOXLITE_TRY(started.get());
  return std::pair(std::move(self), Started{std::move(process), std::move(broker)});
}

void SpawnThread::serve(jail::OpenBroker broker) {
  broker_->set_value(std::move(broker));
  broker_.reset();
}

SpawnThread::~SpawnThread() {
  if (!thread_.joinable()) return;
  if (broker_) broker_->set_value(std::nullopt);
  until_.reset();
  thread_.join();
}

}  // namespace boxlite::engine::qemu
