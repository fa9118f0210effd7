// SPDX-License-Identifier: Apache-2.0
#include "fuse/bridge.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "fuse/messages.h"
#include "linux/files/mounts.h"
#include "linux/interruption.h"
#include "wire/folder_orders.h"

namespace boxlite::fuse {
namespace {

// FUSE_DEV_IOC_CARRY of guest/kernel/patches/3-fuse-carry.patch. Gives a descriptor from which comes what the
// server tells unasked, and which takes whole messages, one a write.
constexpr unsigned long carry_ioctl = _IOR(FUSE_DEV_IOC_MAGIC, 100, std::uint32_t);

fuse_out_header header_of(const char* message) {
  fuse_out_header header;
  std::memcpy(&header, message, sizeof header);
  return header;
}

}  // namespace

Result<Ends> join(UniqueFd device, UniqueFd stream, int mount_fd) {
  // Before the first request.
  BOXLITE_TRY(
      write_all(stream.get(), order_message(wire::forgotten_order, bytes_of(wire::Forgotten{})), "folders"));
  const auto stream_fd = static_cast<std::uint32_t>(stream.get());
  UniqueFd carrier(::ioctl(device.get(), carry_ioctl, &stream_fd));
  if (carrier.is_open()) return Ends{std::move(device), std::move(carrier), UniqueFd()};
  const auto control = BOXLITE_TRY(mount_control());
  auto abort = BOXLITE_TRY(open_control(control.get(), mount_fd, "abort", O_WRONLY));
  return Ends{std::move(device), std::move(stream), std::move(abort)};
}

Result<UniqueFd> mount_control() {
  return linux_::new_mount("fusectl", {}, 0);
}

Result<UniqueFd> open_control(int control_fd, int mount_fd, std::string_view what, int flags) {
  struct statx status;
  if (::statx(mount_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0)
    return fail(syscall_error("statx", "folders", errno));
  const auto name = concat(status.stx_dev_minor, "/", what);
  UniqueFd file(::openat(control_fd, name.c_str(), flags | O_CLOEXEC));
  if (!file.is_open()) return fail(syscall_error("open", name, errno));
  return file;
}

Result<void> Bridge::send(std::uint32_t opcode, std::string_view payload) {
  const auto message = order_message(opcode, payload);
  const std::lock_guard lock(sending_);
  return write_all(ends_.stream.get(), message, "folders");
}

void Bridge::run(const Order& order) {
  std::thread answers([this] { carry_answers(); });
  linux_::allow_interruption();
  std::thread requests([this] { carry_requests(); });
  carry_notices(order);
  answers.join();
  // It waits for a request, which may never come.
  linux_::interrupt_and_join(requests, requests_have_ended_);
}

void Bridge::carry_requests() {
  // Only as much of it is touched as messages need: each page that a guest touches costs it some 15 µs.
  const auto message = std::make_unique_for_overwrite<char[]>(max_message);
  const ScopeExit ended([this] { requests_have_ended_ = true; });
  while (!has_ended_) {
    const auto got = ::read(ends_.device.get(), message.get(), max_message);
    // A request was interrupted before it was read.
    if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (got <= 0) return;
    const std::lock_guard lock(sending_);
    if (!write_all(ends_.stream.get(), {message.get(), static_cast<std::size_t>(got)}, "folders")) return;
  }
}

// The answer to a request that was interrupted meanwhile is refused by the kernel: nobody wants it.
void Bridge::take(std::string_view message) {
  if (header_of(message.data()).unique != 0) {
    (void)!::write(ends_.device.get(), message.data(), message.size());
    return;
  }
  const std::lock_guard lock(mutex_);
  notices_.emplace_back(message);
  changed_.notify_one();
}

void Bridge::carry_answers() {
  MessageReader answers(sizeof(fuse_out_header));
  while (answers.fill(ends_.stream.get()).value_or(false)) {
    while (const auto message = answers.next()) take(*message);
  }
  finish();
}

void Bridge::finish() {
  if (ends_.abort.is_open()) (void)!::write(ends_.abort.get(), "1", 1);
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_one();
}

void Bridge::carry_notices(const Order& order) {
  std::unique_lock lock(mutex_);
  wire::Forgotten forgotten{};
  while (true) {
    if (notices_.empty() && forgotten.count > 0) {
      lock.unlock();
      (void)send(wire::forgotten_order, bytes_of(std::exchange(forgotten, {})));
      lock.lock();
    }
    changed_.wait(lock, [&] { return !notices_.empty() || has_ended_; });
    if (has_ended_) return;
    const auto notice = std::move(notices_.front());
    notices_.pop_front();
    lock.unlock();
    const auto code = header_of(notice.data()).error;
    if (static_cast<std::uint32_t>(code) >= wire::first_folder_order) {
      order(code, std::string_view(notice).substr(sizeof(fuse_out_header)));
    } else {
      // Of what the guest does not know any more there is nothing to forget.
      (void)!::write(ends_.device.get(), notice.data(), notice.size());
      ++forgotten.count;
    }
    lock.lock();
  }
}

}  // namespace boxlite::fuse
