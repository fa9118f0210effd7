// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boxlite/box.hpp>

#include "base/result.h"
#include "base/time.h"
#include "linux/event_loop.h"
#include "shimlink/ready_machines.h"

namespace boxlite::local {

// The machines that one Runtime keeps ready: starts another one whenever one was claimed, by whichever
// process, or has ended. Thread-safe. The loop must run until close().
class ReadyKeeper {
 public:
  // Starts a machine that boxes like this one can claim; called on a thread of the keeper's own.
  using Add = std::function<Result<shimlink::AddedMachine>(const BoxSpec& like)>;
  using Log = std::function<void(const Error& why)>;

  // `log` hears why a machine could not be started; it is tried again, ever more seldom.
  ReadyKeeper(linux_::EventLoop& loop, Add add, Log log)
      : loop_(loop), add_(std::move(add)), log_(std::move(log)) {}
  ~ReadyKeeper() { close(); }

  // From now on so many for boxes like this one (0: none); `key` tells one kind from another.
  void keep(const std::string& key, const BoxSpec& like, unsigned count);
  // Until as many as wanted are ready: timed_out at the deadline, and what keeps them from being started once
  // that has failed three times in a row.
  Result<void> wait_ready(const std::string& key, const Deadline& deadline);
  // Ends those that nobody has claimed; returns when they are gone.
  void close();

 private:
  struct Kind {
    BoxSpec like = {};
    unsigned wanted = 0;
    unsigned failures = 0;  // in a row
    std::chrono::steady_clock::time_point not_before = {};
    std::optional<Error> failure = {};
  };
  struct Kept {
    std::string key;
    shimlink::ShimProcess shim;
    std::filesystem::path directory;
    bool is_ready = false;
    bool is_over = false;  // claimed or ended: to be reaped when it has ended
    linux_::EventLoop::Watch watchdog_watch = {};
    linux_::EventLoop::Watch end_watch = {};
  };
  using Machines = std::map<std::uint64_t, Kept>;

  void work();
  void remove_left(std::unique_lock<std::mutex>& lock);
  // The kind that lacks a machine and may have one now; else when to look again.
  Kind* lacking(std::string& key, std::chrono::steady_clock::time_point& next);
  void add_to(const std::string& key, const BoxSpec& like, std::unique_lock<std::mutex>& lock);
  void note_failure(Kind& kind, const Error& why);
  unsigned count(const std::string& key, bool only_ready) const;
  void drop_surplus();
  void watch(std::uint64_t machine);
  void on_watchdog(std::uint64_t machine);
  void on_end(std::uint64_t machine);

  linux_::EventLoop& loop_;
  const Add add_;
  const Log log_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Kind> kinds_;
  std::vector<std::filesystem::path> left_;  // of machines that have ended
  Machines machines_;
  std::uint64_t last_machine_ = 0;
  bool is_closing_ = false;
  std::thread worker_;  // started with the first kind
};

}  // namespace boxlite::local
