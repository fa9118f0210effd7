// SPDX-License-Identifier: Apache-2.0
#include "local/home/shim_keeper.h"

#include <utility>

#include "base/thread.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

// The shim gives the guest 8 s from the hang-up, then kills it.
constexpr std::chrono::milliseconds orderly_end = 12s;
constexpr std::chrono::milliseconds killed_end = 5s;

}  // namespace

ShimKeeper::ShimKeeper(linux_::EventLoop& loop, std::function<void(const std::string&)> settle)
    : loop_(loop), settle_(std::move(settle)) {}

void ShimKeeper::adopt(std::string box_id, shimlink::ShimProcess shim, bool is_detached) {
  const std::lock_guard lock(mutex_);
  if (!worker_.joinable() && !is_closing_) worker_ = start_thread([this] { work(); });
  const auto key = ++last_key_;
  // Its start was under way when the others were ended.
  if (is_closing_ && !is_detached) shim.hang_up();
  shims_.emplace(key, Kept{std::move(box_id), std::move(shim), is_detached, {}});
  loop_.post([this, key] { watch(key); });
}

void ShimKeeper::release(const std::string& box_id) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, kept] : shims_) {
    if (kept.box_id == box_id) kept.is_detached = true;
  }
}

void ShimKeeper::watch(std::uint64_t key) {
  const std::lock_guard lock(mutex_);
  const auto found = shims_.find(key);
  if (found == shims_.end()) return;
  auto watch = loop_.watch_exit(found->second.shim.handle().fd(), [this, key] { handle_end(key); });
  // Without a watch the next reconciliation finds out.
  if (watch) found->second.watch = *std::move(watch);
}

void ShimKeeper::handle_end(std::uint64_t key) {
  const std::lock_guard lock(mutex_);
  const auto found = shims_.find(key);
  if (found == shims_.end()) return;
  (void)found->second.shim.wait(Deadline::after(1s));
  ended_.push_back(std::move(found->second.box_id));
  shims_.erase(found);
  changed_.notify_all();
}

void ShimKeeper::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_closing_ || !ended_.empty(); });
    if (ended_.empty()) return;
    const auto box_id = std::move(ended_.front());
    ended_.pop_front();
    lock.unlock();
    settle_(box_id);
    lock.lock();
  }
}

Result<void> ShimKeeper::close(const Deadline& deadline) {
  Shims shims;
  {
    const std::lock_guard lock(mutex_);
    shims.swap(shims_);
    is_closing_ = true;
    changed_.notify_all();
  }
  for (auto& [key, kept] : shims) {
    if (!kept.is_detached) kept.shim.hang_up();
  }
  const auto limit = deadline.within(orderly_end);
  Result<void> closed;
  for (auto& [key, kept] : shims) {
    if (kept.is_detached) continue;
    if (!kept.shim.wait(limit)) {
      if (deadline.has_passed()) closed = fail(deadline.error("end the boxes in order"));
      (void)kept.shim.kill();
      (void)kept.shim.wait(Deadline::after(killed_end));
    }
    settle_(kept.box_id);
  }
  // Watches belong to the loop's thread.
  if (!shims.empty()) loop_.post([shims = std::move(shims)] {});
  std::thread worker;
  {
    const std::lock_guard lock(mutex_);
    worker.swap(worker_);
  }
  if (worker.joinable()) worker.join();
  return closed;
}

}  // namespace boxlite::local
