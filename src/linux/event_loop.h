// SPDX-License-Identifier: Apache-2.0
// A small epoll loop. One thread at a time runs it and makes, changes and drops its watches and timers; only
// post() and stop() may be called from other threads. The loop outlives every Watch and Timer made from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// What happened to a watched descriptor. An error or a hang-up counts as every direction that was asked for:
// the read or write that follows tells which it was.
struct Readiness {
  bool readable = false;
  bool writable = false;
};

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::move_only_function<void()>;
  using ReadyCallback = std::move_only_function<void(Readiness)>;

  // Stops watching when it goes. May be dropped at any time, also by a callback, its own included.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)), id_(std::exchange(other.id_, 0)) {}
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { reset(); }

    // Which directions to report from now on. None: nothing at all is reported, not even a hang-up.
    Result<void> want(bool read, bool write);
    void reset();
    bool is_active() const { return loop_ != nullptr; }

   private:
    friend class EventLoop;
    Watch(EventLoop* loop, std::uint64_t id) : loop_(loop), id_(id) {}
    EventLoop* loop_ = nullptr;
    std::uint64_t id_ = 0;
  };

  // Calls once at its time, unless dropped before.
  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)), key_(std::exchange(other.key_, {})) {}
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { reset(); }
    void reset();

   private:
    friend class EventLoop;
    using Key = std::pair<Clock::time_point, std::uint64_t>;
    Timer(EventLoop* loop, Key key) : loop_(loop), key_(key) {}
    EventLoop* loop_ = nullptr;
    Key key_;
  };

  static Result<std::unique_ptr<EventLoop>> create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Level-triggered: the callback comes again as long as the descriptor is ready. `fd` is borrowed and must
  // stay open while the watch is active. Regular files cannot be watched.
  Result<Watch> watch(int fd, bool read, bool write, ReadyCallback callback);
  // Calls once when the process of the pidfd has ended. Reaping it is the caller's part
  // (linux/pidfd.h).
  Result<Watch> watch_exit(int pidfd, Task callback);
  [[nodiscard]] Timer at(Clock::time_point when, Task callback);
  [[nodiscard]] Timer after(std::chrono::milliseconds delay, Task callback) {
    return at(Clock::now() + delay, std::move(callback));
  }

  // Runs `task` on the loop's thread, after the callbacks that are under way. From any thread. Tasks that
  // were not run when the loop goes are dropped.
  void post(Task task);

  // An exception out of a callback is told, and the callback taken for done. Without it, it leaves run(). To
  // be set before the loop runs; called on its thread.
  void on_exception(std::function<void(const Error&)> told) { on_exception_ = std::move(told); }
  // Calls somebody else's function as the loop calls its callbacks.
  void call(const std::function<void()>& function);

  // Handles events until stop().
  Result<void> run();
  // Waits for events until the deadline and handles one batch of them. False when the deadline passed first.
  Result<bool> run_once(Deadline deadline);
  // Makes the run() under way, or the next one, return. From any thread.
  void stop();

 private:
  struct Entry {
    int fd;
    bool read;
    bool write;
    ReadyCallback callback;
  };

  using Entries = std::unordered_map<std::uint64_t, std::unique_ptr<Entry>>;

  EventLoop(UniqueFd epoll, UniqueFd wakeup) : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {}
  Result<void> set_interest(Entry& entry, std::uint64_t id, bool read, bool write);
  void remove(std::uint64_t id);
  int wait_limit_ms(Deadline deadline) const;
  void dispatch(std::uint64_t id, std::uint32_t events);
  bool run_due_timers();
  bool run_posted();
  void guarded(auto&& callback);

  std::function<void(const Error&)> on_exception_;
  UniqueFd epoll_;
  UniqueFd wakeup_;
  std::uint64_t last_id_ = 0;  // ids are never reused, so a stale event of a batch finds nothing
  Entries entries_;
  std::vector<std::unique_ptr<Entry>> removed_;  // kept until no callback of theirs can be running
  std::map<Timer::Key, Task> timers_;
  bool stopping_ = false;

  std::mutex posted_mutex_;
  std::vector<Task> posted_;
};

}  // namespace boxlite::linux_
