// SPDX-License-Identifier: Apache-2.0
#include "linux/event_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/caught_exception.h"

namespace boxlite::linux_ {
namespace {

constexpr std::uint64_t wakeup_id = 0;
constexpr int batch_size = 64;

epoll_event make_event(bool read, bool write, std::uint64_t id) {
  epoll_event event{};
  event.events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  event.data.u64 = id;
  return event;
}

}  // namespace

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

Result<void> EventLoop::Watch::want(bool read, bool write) {
  const auto found = loop_ == nullptr ? EventLoop::Entries::iterator{} : loop_->entries_.find(id_);
  if (loop_ == nullptr || found == loop_->entries_.end()) {
    return fail(ErrorCode::internal, "watch descriptor: the watch was dropped");
  }
  return loop_->set_interest(*found->second, id_, read, write);
}

void EventLoop::Watch::reset() {
  if (auto* const loop = std::exchange(loop_, nullptr)) loop->remove(std::exchange(id_, 0));
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    key_ = std::exchange(other.key_, {});
  }
  return *this;
}

void EventLoop::Timer::reset() {
  auto* const loop = std::exchange(loop_, nullptr);
  if (loop == nullptr) return;
  // Taken out before it is destroyed: what the callback owns may drop other timers.
  const auto node = loop->timers_.extract(key_);
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return fail(syscall_error("epoll_create1", "", errno));
  UniqueFd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup.is_open()) return fail(syscall_error("eventfd", "", errno));
  auto event = make_event(true, false, wakeup_id);
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) != 0) {
    return fail(syscall_error("epoll_ctl", "eventfd", errno));
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wakeup)));
}

EventLoop::~EventLoop() = default;

void EventLoop::guarded(auto&& callback) {
  if (!on_exception_) return callback();
  try {
    callback();
  } catch (...) {
    on_exception_(caught_exception("a callback"));
  }
}

void EventLoop::call(const std::function<void()>& function) {
  guarded(function);
}

Result<EventLoop::Watch> EventLoop::watch(int fd, bool read, bool write, ReadyCallback callback) {
  const std::uint64_t id = ++last_id_;
  auto entry = std::make_unique<Entry>(fd, false, false, std::move(callback));
  BOXLITE_TRY(set_interest(*entry, id, read, write));
  entries_.emplace(id, std::move(entry));
  return Watch(this, id);
}

Result<EventLoop::Watch> EventLoop::watch_exit(int pidfd, Task callback) {
  const std::uint64_t id = last_id_ + 1;
  return watch(pidfd, true, false, [this, id, callback = std::move(callback)](Readiness) mutable {
    // A pidfd stays readable for ever: report it once.
    if (const auto found = entries_.find(id); found != entries_.end()) {
      (void)set_interest(*found->second, id, false, false);
    }
    callback();
  });
}

// A descriptor that nothing is wanted from is taken out of the epoll set, because the kernel would go on
// reporting its hang-up and the loop would spin.
Result<void> EventLoop::set_interest(Entry& entry, std::uint64_t id, bool read, bool write) {
  if (entry.read == read && entry.write == write) return {};
  const bool was_in = entry.read || entry.write;
  const bool is_in = read || write;
  auto event = make_event(read, write, id);
  const int operation = was_in ? (is_in ? EPOLL_CTL_MOD : EPOLL_CTL_DEL) : EPOLL_CTL_ADD;
  if (::epoll_ctl(epoll_.get(), operation, entry.fd, &event) != 0) {
    return fail(syscall_error("epoll_ctl", "watched descriptor", errno));
  }
  entry.read = read;
  entry.write = write;
  return {};
}

void EventLoop::remove(std::uint64_t id) {
  auto node = entries_.extract(id);
  if (node.empty()) return;
  (void)set_interest(*node.mapped(), id, false, false);
  removed_.push_back(std::move(node.mapped()));
}

EventLoop::Timer EventLoop::at(Clock::time_point when, Task callback) {
  const Timer::Key key{when, ++last_id_};
  timers_.emplace(key, std::move(callback));
  return Timer(this, key);
}

void EventLoop::post(Task task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(posted_mutex_);
    was_empty = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (!was_empty) return;
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the loop wakes up anyway.
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  post([this] { stopping_ = true; });
}

Result<void> EventLoop::run() {
  while (!stopping_) BOXLITE_TRY(run_once(Deadline::never()));
  stopping_ = false;
  return {};
}

Result<bool> EventLoop::run_once(Deadline deadline) {
  while (true) {
    std::array<epoll_event, batch_size> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), batch_size, wait_limit_ms(deadline));
    if (count < 0 && errno != EINTR) return fail(syscall_error("epoll_wait", "", errno));
    bool handled = false;
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      handled = handled || event.data.u64 != wakeup_id;
      dispatch(event.data.u64, event.events);
    }
    handled = run_due_timers() || handled;
    handled = run_posted() || handled;
    // Moved out first: destroying a callback may drop further watches.
    while (!removed_.empty()) std::exchange(removed_, {}).clear();
    if (handled) return true;
    if (deadline.has_passed()) return false;
  }
}

int EventLoop::wait_limit_ms(Deadline deadline) const {
  const int limit = deadline.poll_timeout_ms();
  if (timers_.empty()) return limit;
  const auto left = timers_.begin()->first.first - Clock::now();
  const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  const int timer_ms = static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, 1 << 30));
  return limit < 0 ? timer_ms : std::min(limit, timer_ms);
}

void EventLoop::dispatch(std::uint64_t id, std::uint32_t events) {
  if (id == wakeup_id) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wakeup_.get(), &count, sizeof count);
    return;
  }
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  const bool is_broken = (events & (EPOLLHUP | EPOLLERR)) != 0;
  const Readiness ready{entry.read && (is_broken || (events & EPOLLIN) != 0),
                        entry.write && (is_broken || (events & EPOLLOUT) != 0)};
  // An earlier callback of the batch may have lost interest.
  if (ready.readable || ready.writable) guarded([&] { entry.callback(ready); });
}

bool EventLoop::run_due_timers() {
  if (timers_.empty()) return false;
  // One reading of the clock: a timer that a callback sets for "now" waits for the next round, so that timers
  // cannot starve descriptors.
  const auto now = Clock::now();
  bool ran = false;
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    guarded(node.mapped());
    ran = true;
  }
  return ran;
}

bool EventLoop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) guarded(task);
  return !tasks.empty();
}

}  // namespace boxlite::linux_
