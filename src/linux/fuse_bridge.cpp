// SPDX-License-Identifier: Apache-2.0
#include "linux/fuse_bridge.h"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <linux/fuse.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::linux_ {
namespace {

constexpr std::size_t usual_message = 64u << 10;

ssize_t read_some(int fd, char* into, std::size_t size) {
  ssize_t got = -1;
  do got = ::read(fd, into, size);
  while (got < 0 && errno == EINTR);
  return got;
}

fuse_out_header header_of(const char* message) {
  fuse_out_header header;
  std::memcpy(&header, message, sizeof header);
  return header;
}

}  // namespace

std::unique_ptr<FuseBridge> FuseBridge::start(UniqueFd device, UniqueFd stream, Order order) {
  std::unique_ptr<FuseBridge> bridge(
      new FuseBridge(std::move(device), std::move(stream), std::move(order)));
  bridge->requests_ = std::thread([self = bridge.get()] { self->carry_requests(); });
  bridge->answers_ = std::thread([self = bridge.get()] { self->carry_answers(); });
  bridge->notifier_ = std::thread([self = bridge.get()] { self->carry_notices(); });
  return bridge;
}

FuseBridge::FuseBridge(UniqueFd device, UniqueFd stream, Order order)
    : device_(std::move(device)), stream_(std::move(stream)), order_(std::move(order)) {}

FuseBridge::~FuseBridge() {
  for (auto* thread : {&requests_, &answers_, &notifier_}) thread->join();
}

void FuseBridge::carry_requests() {
  std::vector<char> message(max_message);
  while (true) {
    const auto got = ::read(device_.get(), message.data(), message.size());
    // A request was interrupted before it was read.
    if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (got <= 0) return;
    if (!write_all(stream_.get(), {message.data(), static_cast<std::size_t>(got)}, "folders")) return;
  }
}

// The answer to a request that was interrupted meanwhile is refused by the kernel: nobody wants it.
bool FuseBridge::take(std::string_view message) {
  const auto header = header_of(message.data());
  if (header.unique != 0) return ::write(device_.get(), message.data(), message.size()) >= 0 || errno != ENODEV;
  const std::lock_guard lock(mutex_);
  notices_.emplace_back(message);
  changed_.notify_one();
  return true;
}

void FuseBridge::carry_answers() {
  std::vector<char> buffer(usual_message);
  std::size_t end = 0;
  while (true) {
    const auto got = read_some(stream_.get(), buffer.data() + end, buffer.size() - end);
    if (got <= 0) break;
    end += static_cast<std::size_t>(got);
    std::size_t begin = 0;
    std::size_t needed = usual_message;
    while (end - begin >= sizeof(fuse_out_header)) {
      const auto length = header_of(buffer.data() + begin).len;
      if (length < sizeof(fuse_out_header) || length > max_message) return;
      if (end - begin < length) {
        needed = length;
        break;
      }
      if (!take({buffer.data() + begin, length})) break;
      begin += length;
    }
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    if (buffer.size() < needed) buffer.resize(needed);
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_one();
}

void FuseBridge::carry_notices() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return !notices_.empty() || has_ended_; });
    if (has_ended_) return;
    const auto notice = std::move(notices_.front());
    notices_.pop_front();
    lock.unlock();
    const auto code = header_of(notice.data()).error;
    if (code >= first_order) {
      order_(code, std::string_view(notice).substr(sizeof(fuse_out_header)));
    } else {
      // Of what the guest does not know any more there is nothing to forget.
      (void)!::write(device_.get(), notice.data(), notice.size());
    }
    lock.lock();
  }
}

}  // namespace boxlite::linux_
