// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_network_log.h"

#include <algorithm>
#include <utility>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "box/call.h"
#include "shimlink/shim_process.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

// How long the end of a box, or the first line of a file, may go unnoticed; new lines are noticed at once.
constexpr std::chrono::milliseconds look_pause = 200ms;

NetworkRecord as_seen(netpolicy::AuditRecord record) {
  return {.time = record.time,
          .type = std::string(name(record.kind)),
          .protocol = record.protocol ? std::string(name(*record.protocol)) : std::string(),
          .name = std::move(record.name),
          .address = record.address ? record.address->str() : std::string(),
          .port = record.port,
          .verdict = std::move(record.verdict),
          .rule = std::move(record.rule),
          .reason = std::move(record.reason),
          .sent_bytes = record.sent,
          .received_bytes = record.received,
          .duration = record.duration,
          .count = record.count};
}

}  // namespace

LocalNetworkLog::LocalNetworkLog(const box::BoxPaths& paths, const NetworkLogOptions& options)
    : paths_(paths), options_(options), reader_(paths.directory / netpolicy::audit_file_name) {
  if (options.follow) changes_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!options.tail) return;
  while (auto record = reader_.next()) {
    tail_.push_back(*std::move(record));
    if (tail_.size() > *options.tail) tail_.pop_front();
  }
}

std::optional<netpolicy::AuditRecord> LocalNetworkLog::take() {
  if (tail_.empty()) return reader_.next();
  auto record = std::move(tail_.front());
  tail_.pop_front();
  return record;
}

bool LocalNetworkLog::is_over() {
  if (!options_.follow || box_has_ended_) return true;
  const auto is_alive = shimlink::is_shim_alive(paths_.directory);
  // What it wrote last may have come since we looked.
  box_has_ended_ = !is_alive || !*is_alive;
  return false;
}

void LocalNetworkLog::wait(const Deadline& deadline) {
  const auto limit = static_cast<int>(look_pause.count());
  const auto left = deadline.poll_timeout_ms();
  // Each time anew: the name may mean another file by now.
  const bool is_watched =
      changes_.is_open() && ::inotify_add_watch(changes_.get(), reader_.path().c_str(), IN_MODIFY) >= 0;
  pollfd entry{changes_.get(), POLLIN, 0};
  ::poll(&entry, is_watched ? 1 : 0, left < 0 ? limit : std::min(left, limit));
  char events[4096];
  while (changes_.is_open() && ::read(changes_.get(), events, sizeof events) > 0) {
  }
}

Result<std::optional<NetworkRecord>> LocalNetworkLog::next(const CallOptions& call) {
  const auto deadline = box::deadline_of(call);
  const std::lock_guard lock(mutex_);
  while (!is_done_) {
    if (auto record = take()) return as_seen(*std::move(record));
    if (is_over()) {
      is_done_ = true;
      break;
    }
    if (box_has_ended_) continue;
    if (deadline.has_passed()) return fail(deadline.error("read the network log: nothing came in time"));
    wait(deadline);
  }
  return std::optional<NetworkRecord>();
}

}  // namespace boxlite::local
