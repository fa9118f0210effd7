// SPDX-License-Identifier: Apache-2.0
#include "local/ending_threads.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include <unistd.h>

#include "base/scope_exit.h"
#include "base/thread.h"

namespace boxlite::local {
namespace {

class EndingThreads {
 public:
  void run(std::function<void()> body) {
    const std::lock_guard lock(mutex_);
    const auto place = running_.insert(running_.end(), {std::this_thread::get_id(), {}});
    auto thread = start_thread([this, place, body = std::move(body)] {
      const ScopeExit gone([&] { remove(place); });
      body();
    });
    place->own = thread.get_id();
    thread.detach();
  }

  void wait() {
    if (::getpid() != process_) return;
    const auto self = std::this_thread::get_id();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::ranges::all_of(
          running_, [&](const Running& thread) { return thread.caller == self || thread.own == self; });
    });
  }

 private:
  struct Running {
    std::thread::id caller;
    std::thread::id own;
  };

  // The lock is given up once the thread's own objects are gone.
  void remove(std::list<Running>::iterator place) {
    std::unique_lock lock(mutex_);
    running_.erase(place);
    std::notify_all_at_thread_exit(changed_, std::move(lock));
  }

  const pid_t process_ = ::getpid();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Running> running_;
};

// Never destroyed: a thread may hold its lock to the very end.
EndingThreads& ending_threads() {
  static auto& threads = *new EndingThreads;
  return threads;
}

struct WaitAtExit {
  ~WaitAtExit() { ending_threads().wait(); }
};

}  // namespace

void run_before_exit(std::function<void()> body) {
  // Made now, it goes before all that is there now.
  static const WaitAtExit wait_at_exit;
  ending_threads().run(std::move(body));
}

}  // namespace boxlite::local
