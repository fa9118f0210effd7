// SPDX-License-Identifier: Apache-2.0
// For tests: programs that wait for what becomes of a served folder.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::fileserver {

inline constexpr auto patience = std::chrono::seconds(60);

inline UniqueFd opened(const std::filesystem::path& path, int flags) {
  return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
}

inline std::string read_at(int fd, std::size_t size, off_t offset) {
  std::string text(size, 0);
  const auto got = ::pread(fd, text.data(), size, offset);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

// What is told takes a moment.
inline testing::AssertionResult comes(const std::function<bool()>& is_true) {
  const auto deadline = Deadline::after(patience);
  while (!is_true()) {
    if (deadline.has_passed()) return testing::AssertionFailure() << "not within a minute";
    std::this_thread::yield();
  }
  return testing::AssertionSuccess();
}

// A child that waits for a lock in the box; the end of the pipe tells that it has it, or gave up.
class Waiting {
 public:
  explicit Waiting(const std::filesystem::path& path) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    told_.reset(ends[0]);
    const UniqueFd teller(ends[1]);
    child_ = ::fork();
    if (child_ != 0) return;
    const auto file = opened(path, O_RDWR);
    (void)!::write(teller.get(), "w", 1);
    const bool done = ::flock(file.get(), LOCK_EX) == 0;
    (void)!::write(teller.get(), done ? "y" : "n", 1);
    ::_exit(0);
  }
  ~Waiting() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  void kill() const { ::kill(child_, SIGKILL); }
  // 0: it is gone.
  char next() const {
    char letter = 0;
    return ::read(told_.get(), &letter, 1) == 1 ? letter : '\0';
  }
  bool says_nothing() const {
    pollfd poll{told_.get(), POLLIN, 0};
    return ::poll(&poll, 1, 50) == 0;
  }

 private:
  UniqueFd told_;
  pid_t child_ = -1;
};

// What inotify tells of a directory, as "event name".
class Listener {
 public:
  explicit Listener(const std::filesystem::path& directory) : fd_(::inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(fd_.get(), directory.c_str(),
                                  IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                                      IN_ATTRIB | IN_CLOSE_WRITE),
              0);
  }
  // Until it has told of all of these, or patience ends.
  std::set<std::string> hear(const std::set<std::string>& wanted) {
    const auto deadline = Deadline::after(patience);
    while (!std::ranges::includes(heard_, wanted) && !deadline.has_passed()) {
      pollfd poll{fd_.get(), POLLIN, 0};
      if (::poll(&poll, 1, 100) > 0) take();
    }
    return heard_;
  }
  std::set<std::string> heard() const { return heard_; }

 private:
  void take() {
    alignas(inotify_event) std::array<char, 4096> buffer;
    const auto got = ::read(fd_.get(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      static const std::map<std::uint32_t, std::string> names{
          {IN_CREATE, "create"}, {IN_DELETE, "delete"}, {IN_MOVED_FROM, "from"},        {IN_MOVED_TO, "to"},
          {IN_MODIFY, "modify"}, {IN_ATTRIB, "attrib"}, {IN_CLOSE_WRITE, "close_write"}};
      const auto name = names.find(event.mask & ~static_cast<std::uint32_t>(IN_ISDIR));
      if (name != names.end())
        heard_.insert(concat(name->second, " ", event.len == 0 ? "" : buffer.data() + at + sizeof event));
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  UniqueFd fd_;
  std::set<std::string> heard_;
};

}  // namespace boxlite::fileserver
