// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "agent/server/channel.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/messages.h"

namespace boxlite::agent {

// What one record of /dev/kmsg says of a disk.
struct DiskMessage {
  std::string_view text;      // the kernel's words
  bool is_read_only = false;  // the kernel stops writing to it
};

// Nothing, unless the kernel itself wrote the record and it tells of an error of `device` ("vda").
std::optional<DiskMessage> parse_disk_message(std::string_view record, std::string_view device);

// Hears what the kernel finds wrong with the root disk, from its log: there a message stands before the
// system call that met the error returns, so that it is known when a command that did ends. Answers who waits
// for such news (Guest.AwaitDiskErrors). Loop thread only.
class DiskWatch {
 public:
  // Calls `on_news` after each change of errors(). Both outlive it.
  DiskWatch(linux_::EventLoop& loop, Channel& channel, std::function<void()> on_news)
      : loop_(loop), channel_(channel), on_news_(std::move(on_news)) {}

  // Before the disk "/dev/<device>" is mounted.
  Result<void> begin(std::string_view device);
  // Once it is: what the file system has kept of earlier errors.
  void note_recorded();
  // Reads what the kernel has said so far.
  void look();

  const wire::msg::DiskErrors& errors() const { return errors_; }

  void await(std::uint32_t stream, const wire::msg::AwaitDiskErrorsRequest& request);
  bool has_stream(std::uint32_t stream) const { return waiting_.contains(stream); }
  void on_reset(std::uint32_t stream) { waiting_.erase(stream); }
  void on_disconnect() { waiting_.clear(); }

 private:
  std::uint64_t recorded_count() const;
  void take(const DiskMessage& message);
  void tell();

  linux_::EventLoop& loop_;
  Channel& channel_;
  const std::function<void()> on_news_;
  std::string device_;
  UniqueFd log_;
  linux_::EventLoop::Watch log_watch_;
  wire::msg::DiskErrors errors_;
  std::set<std::uint32_t> waiting_;
};

}  // namespace boxlite::agent
