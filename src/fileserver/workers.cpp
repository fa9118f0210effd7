// SPDX-License-Identifier: Apache-2.0
#include "fileserver/workers.h"

#include <system_error>
#include <utility>

namespace boxlite::fileserver {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Workers::run(std::function<void()> task) {
  if (!take_in(task)) task();
}

bool Workers::take_in(std::function<void()>& task) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() >= max_tasks) return false;
  if (tasks_.size() >= waiting_ && threads_.size() < max_threads) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // As many as this user may have.
      if (threads_.empty()) return false;
    }
  }
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void Workers::finish() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return tasks_.empty() && waiting_ == threads_.size(); });
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++waiting_;
    idle_.notify_all();
    changed_.wait(lock, [&] { return !tasks_.empty() || is_ending_; });
    --waiting_;
    if (tasks_.empty()) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace boxlite::fileserver
