// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace boxlite::fileserver {

// A few threads for what takes long, so that other requests are answered meanwhile. Made when they are
// needed; they end with the object, after what was begun.
class Workers {
 public:
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  // Where too many wait already, the caller does it.
  void run(std::function<void()> task);
  // Until everything is done.
  void finish();

 private:
  static constexpr std::size_t max_threads = 4;
  static constexpr std::size_t max_tasks = 64;
  bool take_in(std::function<void()>& task);
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::deque<std::function<void()>> tasks_;
  std::size_t waiting_ = 0;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace boxlite::fileserver
