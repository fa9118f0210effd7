// SPDX-License-Identifier: Apache-2.0
#include "local/home/ready_keeper.h"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/socket.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/thread.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds first_pause = 500ms;
constexpr std::chrono::milliseconds longest_pause = 32s;
constexpr unsigned most_failures = 3;
// A shim that awaits a claim ends its machine at once when nobody keeps it.
constexpr std::chrono::milliseconds end_limit = 5s;

}  // namespace

void ReadyKeeper::keep(const std::string& key, const BoxSpec& like, unsigned count) {
  const std::lock_guard lock(mutex_);
  kinds_[key] = Kind{.like = like, .wanted = count};
  drop_surplus();
  if (!worker_.joinable()) worker_ = start_thread([this] { work(); });
  changed_.notify_all();
}

Result<void> ReadyKeeper::wait_ready(const std::string& key, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto& kind = kinds_[key];
    if (count(key, true) >= kind.wanted) return {};
    if (kind.failures >= most_failures) return fail(Error(*kind.failure).context("keep machines ready"));
    if (deadline.has_passed())
      return fail(deadline.error("keep machines ready: they take longer to come up than expected"));
    changed_.wait_for(lock, std::chrono::milliseconds(deadline.poll_timeout_ms()));
  }
}

void ReadyKeeper::work() {
  std::unique_lock lock(mutex_);
  while (!is_closing_) {
    if (!left_.empty()) {
      remove_left(lock);
      continue;
    }
    std::string key;
    auto next = Clock::now() + longest_pause;
    const auto* const kind = lacking(key, next);
    if (kind == nullptr) {
      changed_.wait_until(lock, next);
      continue;
    }
    add_to(key, BoxSpec(kind->like), lock);
  }
}

// One that was claimed has none there any more.
void ReadyKeeper::remove_left(std::unique_lock<std::mutex>& lock) {
  const auto left = std::exchange(left_, {});
  lock.unlock();
  for (const auto& directory : left) (void)remove_tree(directory);
  lock.lock();
}

ReadyKeeper::Kind* ReadyKeeper::lacking(std::string& key, Clock::time_point& next) {
  for (auto& [name, kind] : kinds_) {
    if (count(name, false) >= kind.wanted) continue;
    next = std::min(next, kind.not_before);
    if (kind.not_before > Clock::now()) continue;
    key = name;
    return &kind;
  }
  return nullptr;
}

void ReadyKeeper::add_to(const std::string& key, const BoxSpec& like, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  auto added = add_(like);
  lock.lock();
  auto& kind = kinds_[key];
  if (!added) return note_failure(kind, added.error());
  const auto machine = ++last_machine_;
  machines_.emplace(
      machine, Kept{.key = key, .shim = std::move(added->shim), .directory = std::move(added->directory)});
  loop_.post([this, machine] { watch(machine); });
}

void ReadyKeeper::note_failure(Kind& kind, const Error& why) {
  const auto doublings = std::min(kind.failures++, 6u);
  kind.not_before = Clock::now() + first_pause * (1 << doublings);
  kind.failure = why;
  log_(why);
  changed_.notify_all();
}

unsigned ReadyKeeper::count(const std::string& key, bool only_ready) const {
  return static_cast<unsigned>(std::ranges::count_if(machines_, [&](const auto& entry) {
    const auto& kept = entry.second;
    return kept.key == key && !kept.is_over && (kept.is_ready || !only_ready);
  }));
}

void ReadyKeeper::drop_surplus() {
  for (auto& [machine, kept] : machines_) {
    if (kept.is_over || count(kept.key, false) <= kinds_[kept.key].wanted) continue;
    kept.is_over = true;
    kept.shim.hang_up();
  }
}

void ReadyKeeper::watch(std::uint64_t machine) {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(machine);
  if (found == machines_.end()) return;
  auto& kept = found->second;
  auto watchdog =
      loop_.watch(kept.shim.watchdog_fd(), true, false, [this, machine](auto) { on_watchdog(machine); });
  auto end = loop_.watch_exit(kept.shim.handle().fd(), [this, machine] { on_end(machine); });
  if (watchdog) kept.watchdog_watch = *std::move(watchdog);
  if (end) kept.end_watch = *std::move(end);
}

void ReadyKeeper::on_watchdog(std::uint64_t machine) {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(machine);
  if (found == machines_.end()) return;
  auto& kept = found->second;
  std::array<char, 16> said{};
  const auto count = ::recv(kept.shim.watchdog_fd(), said.data(), said.size(), MSG_DONTWAIT);
  auto& kind = kinds_[kept.key];
  if (count > 0) {
    kept.is_ready = true;
    kind.failures = 0;
  } else {
    // One that never became ready is no better than one that could not be started.
    if (!kept.is_ready && !kept.is_over)
      note_failure(kind, Error(ErrorCode::unavailable, "the machine ended before it was ready"));
    kept.is_over = true;
    kept.watchdog_watch.reset();
  }
  changed_.notify_all();
}

void ReadyKeeper::on_end(std::uint64_t machine) {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(machine);
  if (found == machines_.end()) return;
  (void)found->second.shim.wait(Deadline::after(1s));
  left_.push_back(std::move(found->second.directory));
  machines_.erase(found);
  changed_.notify_all();
}

void ReadyKeeper::close() {
  Machines machines;
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
    changed_.notify_all();
  }
  // First: it may just be adding one.
  if (worker_.joinable()) worker_.join();
  {
    const std::lock_guard lock(mutex_);
    machines.swap(machines_);
  }
  const auto deadline = Deadline::after(end_limit);
  for (auto& [machine, kept] : machines) {
    if (!kept.is_over) kept.shim.hang_up();
  }
  for (auto& [machine, kept] : machines) {
    if (kept.is_over) continue;
    if (!kept.shim.wait(deadline)) {
      (void)kept.shim.kill();
      (void)kept.shim.wait(Deadline::after(end_limit));
    }
    left_.push_back(kept.directory);
  }
  for (const auto& directory : std::exchange(left_, {})) (void)remove_tree(directory);
  // Watches belong to the loop's thread.
  if (!machines.empty()) loop_.post([machines = std::move(machines)] {});
}

}  // namespace boxlite::local
