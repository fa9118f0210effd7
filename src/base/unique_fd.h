// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace boxlite {

// Owns a file descriptor. A parameter `UniqueFd x` takes it over; `int x_fd` borrows it; nothing else crosses
// an interface. There is no operator bool: `if (fd)` would be true for -1 read as a number.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  bool is_open() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  // Closes what is held; errno is left alone.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace boxlite
