// SPDX-License-Identifier: Apache-2.0
#include "netpolicy/audit_log.h"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace boxlite::netpolicy {
namespace {

bool ends_in_the_middle(int fd, off_t size) {
  char last = '\n';
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

AuditRecord audit_of(const Flow& flow, const Verdict& verdict) {
  return {.kind = AuditRecord::Kind::flow,
          .protocol = flow.protocol,
          .name = flow.host_alias      ? std::string(host_alias_name)
                  : flow.names.empty() ? ""
                                       : flow.names.back(),
          .address = flow.destination,
          .port = flow.port,
          .verdict = std::string(name(verdict.decision)),
          .rule = verdict.rule,
          .reason = verdict.reason};
}

AuditRecord audit_end(const Flow& flow, std::uint64_t sent, std::uint64_t received,
                      std::chrono::milliseconds duration) {
  auto record = audit_of(flow, {});
  record.kind = AuditRecord::Kind::flow_end;
  record.verdict.clear();
  record.sent = sent;
  record.received = received;
  record.duration = duration;
  return record;
}

std::filesystem::path old_audit_file(const std::filesystem::path& file) {
  auto old = file;
  old += ".1";
  return old;
}

AuditLog::AuditLog(std::filesystem::path file, const Limits& limits)
    : path_(std::move(file)), limits_(limits), tokens_(limits.burst), refilled_(Clock::now()) {}

AuditLog::~AuditLog() {
  tell_skipped();
}

void AuditLog::append(AuditRecord record, Clock::time_point now) {
  if (!take_token(now)) {
    ++skipped_;
    return;
  }
  tell_skipped();
  if (!write(std::move(record))) ++skipped_;
}

bool AuditLog::take_token(Clock::time_point now) {
  const std::chrono::duration<double> passed = now - refilled_;
  tokens_ = std::min(limits_.burst, tokens_ + std::max(passed.count(), 0.0) * limits_.records_per_second);
  refilled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void AuditLog::tell_skipped() {
  if (skipped_ == 0) return;
  if (write({.kind = AuditRecord::Kind::skipped,
             .reason = "too many at a time, or no room",
             .count = skipped_}))
    skipped_ = 0;
}

// All of it or nothing.
bool AuditLog::write(AuditRecord record) {
  record.time = boxlite::now();
  const auto line = to_line(record);
  if (file_.is_open() && size_ + line.size() > limits_.file_bytes && !rotate()) return false;
  if (!file_.is_open() && !open_current()) return false;
  if (!write_all(file_.get(), line, path_.native())) {
    (void)!::ftruncate(file_.get(), static_cast<off_t>(size_));
    return false;
  }
  size_ += line.size();
  return true;
}

bool AuditLog::open_current() {
  auto file = open_file(path_, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW);
  struct stat status{};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  file_ = *std::move(file);
  size_ = static_cast<std::size_t>(status.st_size);
  // A killed writer's line is over.
  if (ends_in_the_middle(file_.get(), status.st_size) && write_all(file_.get(), "\n", path_.native()))
    ++size_;
  return true;
}

bool AuditLog::rotate() {
  if (::rename(path_.c_str(), old_audit_file(path_).c_str()) != 0) return false;
  file_.reset();
  return true;
}

}  // namespace boxlite::netpolicy
