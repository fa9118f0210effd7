// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/host_events.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::fileserver {
namespace {

constexpr std::uint32_t file_events = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE;
constexpr std::uint32_t directory_events =
    file_events | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_EXCL_UNLINK;
constexpr std::uint64_t marked_events = FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_ATTRIB |
                                        FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD | FAN_ONDIR;
// Numbers of inotify are small and grow by one.
constexpr int first_mark = 1 << 30;
// AT_HANDLE_FID of Linux 6.5: of file systems as well whose handles cannot be opened again.
constexpr int handle_of_any = 0x200;

// The bits of both are the same where they mean the same.
static_assert(FAN_CREATE == IN_CREATE && FAN_DELETE == IN_DELETE && FAN_MODIFY == IN_MODIFY);
static_assert(FAN_ATTRIB == IN_ATTRIB && FAN_CLOSE_WRITE == IN_CLOSE_WRITE && FAN_ONDIR == IN_ISDIR);

// file_handle, whose bytes follow.
struct HandleHeader {
  unsigned bytes;
  int type;
};

std::optional<std::string> handle_of(int fd) {
  alignas(file_handle) std::array<char, sizeof(file_handle) + MAX_HANDLE_SZ> space{};
  auto* handle = reinterpret_cast<file_handle*>(space.data());
  for (const int flags : {AT_EMPTY_PATH | handle_of_any, AT_EMPTY_PATH}) {
    int mount = 0;
    handle->handle_bytes = MAX_HANDLE_SZ;
    if (::name_to_handle_at(fd, "", handle, &mount, flags) == 0)
      return std::string(space.data(), sizeof(HandleHeader) + handle->handle_bytes);
  }
  return std::nullopt;
}

// How fanotify names the directory in its events.
std::optional<std::string> key_of(int fd) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0) return std::nullopt;
  const auto handle = handle_of(fd);
  if (!handle) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(&status.f_fsid), sizeof status.f_fsid) + *handle;
}

// One record of an event: a directory, and a name in it.
struct Record {
  std::uint8_t type = 0;
  std::string key = {};
  std::string name = {};
};

std::optional<Record> take_record(std::string_view& records) {
  fanotify_event_info_header header;
  if (records.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, records.data(), sizeof header);
  constexpr std::size_t fixed = sizeof header + sizeof(fsid_t) + sizeof(HandleHeader);
  if (header.len < fixed || header.len > records.size()) return std::nullopt;
  auto body = records.substr(sizeof header, header.len - sizeof header);
  records.remove_prefix(header.len);
  HandleHeader handle;
  std::memcpy(&handle, body.data() + sizeof(fsid_t), sizeof handle);
  const auto key_bytes = sizeof(fsid_t) + sizeof handle + handle.bytes;
  if (key_bytes > body.size()) return std::nullopt;
  Record record{.type = header.info_type, .key = std::string(body.substr(0, key_bytes))};
  body.remove_prefix(key_bytes);
  record.name = body.substr(0, body.find('\0'));
  return record;
}

}  // namespace

HostEvents::HostEvents(std::string own_descriptors, std::size_t descriptors)
    : own_descriptors_(std::move(own_descriptors)), descriptors_(descriptors), own_pid_(::getpid()) {
  fanotify_.reset(
      ::fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY));
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int HostEvents::add_directory(const SharedFd& fd) {
  const int number = mark(fd);
  return number >= 0 ? number : watch(fd->get(), directory_events);
}

int HostEvents::add_file(const UniqueFd& fd) {
  return watch(fd.get(), file_events);
}

int HostEvents::watch(int fd, std::uint32_t events) {
  if (!inotify_.is_open()) return -1;
  return ::inotify_add_watch(inotify_.get(), concat(own_descriptors_, fd).c_str(), events);
}

int HostEvents::marked(const std::string& key) const {
  const auto found = marks_by_key_.find(key);
  return found == marks_by_key_.end() ? -1 : found->second;
}

int HostEvents::mark(const SharedFd& fd) {
  if (!fanotify_.is_open()) return -1;
  const auto key = key_of(fd->get());
  if (!key) return -1;
  if (const int known = marked(*key); known >= 0) return known;
  if (marks_.size() >= descriptors_) return -1;
  const auto path = concat(own_descriptors_, fd->get());
  if (::fanotify_mark(fanotify_.get(), FAN_MARK_ADD | FAN_MARK_ONLYDIR, marked_events, AT_FDCWD,
                      path.c_str()) != 0)
    return -1;
  do last_mark_ = (last_mark_ + 1) % first_mark;
  while (marks_.contains(first_mark + last_mark_));
  const int number = first_mark + last_mark_;
  marks_.emplace(number, Marked{*key, fd});
  marks_by_key_.emplace(*key, number);
  return number;
}

void HostEvents::remove(int watch) {
  const auto found = marks_.find(watch);
  if (found == marks_.end()) {
    ::inotify_rm_watch(inotify_.get(), watch);
    return;
  }
  const auto path = concat(own_descriptors_, found->second.fd->get());
  ::fanotify_mark(fanotify_.get(), FAN_MARK_REMOVE, marked_events, AT_FDCWD, path.c_str());
  marks_by_key_.erase(found->second.key);
  marks_.erase(found);
}

bool HostEvents::is_certain(int watch) const {
  return marks_.contains(watch);
}

bool HostEvents::hear(const Told& told) {
  const bool heard = hear_fanotify(told);
  return hear_inotify(told) || heard;
}

bool HostEvents::hear_fanotify(const Told& told) {
  alignas(fanotify_event_metadata) std::array<char, 16384> buffer;
  const auto got = fanotify_.is_open() ? ::read(fanotify_.get(), buffer.data(), buffer.size()) : 0;
  for (ssize_t at = 0; at < got;) {
    fanotify_event_metadata event;
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const std::string_view records(buffer.data() + at + event.metadata_len,
                                   event.event_len - event.metadata_len);
    tell(event, records, told);
    at += static_cast<ssize_t>(event.event_len);
  }
  return got > 0;
}

void HostEvents::tell(const fanotify_event_metadata& event, std::string_view records, const Told& told) {
  if ((event.mask & FAN_Q_OVERFLOW) != 0) return told({.mask = IN_Q_OVERFLOW});
  const auto directory = static_cast<std::uint32_t>(event.mask & FAN_ONDIR);
  const auto actor = event.pid == own_pid_ ? Actor::this_process : Actor::another;
  ++last_cookie_;
  while (auto record = take_record(records)) {
    const int watch = marked(record->key);
    if (watch < 0) continue;
    // A directory itself is told of under this name.
    if (record->name == ".") record->name.clear();
    Event one{watch, directory, last_cookie_, std::move(record->name), actor};
    if (record->type == FAN_EVENT_INFO_TYPE_DFID_NAME) {
      tell_changes(one, event.mask, told);
    } else {
      const bool is_from = record->type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME;
      one.mask |= is_from ? std::uint32_t{IN_MOVED_FROM} : std::uint32_t{IN_MOVED_TO};
      told(one);
    }
  }
}

// What was done to one name in a short time is told together, without its order.
void HostEvents::tell_changes(const Event& merged, std::uint64_t mask, const Told& told) const {
  const auto tell_if = [&](std::uint32_t happened) {
    auto one = merged;
    one.mask |= happened;
    if ((mask & happened) != 0) told(one);
  };
  struct stat status = {};
  const bool was_replaced =
      (mask & IN_CREATE) != 0 && (mask & IN_DELETE) != 0 &&
      ::fstatat(marks_.at(merged.watch).fd->get(), merged.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (was_replaced) tell_if(IN_DELETE);
  constexpr std::array<std::uint32_t, 4> in_likely_order{IN_CREATE, IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE};
  for (const auto event : in_likely_order) tell_if(event);
  if (!was_replaced) tell_if(IN_DELETE);
}

bool HostEvents::hear_inotify(const Told& told) {
  alignas(inotify_event) std::array<char, 16384> buffer;
  const auto got = inotify_.is_open() ? ::read(inotify_.get(), buffer.data(), buffer.size()) : 0;
  for (ssize_t at = 0; at < got;) {
    inotify_event header;
    std::memcpy(&header, buffer.data() + at, sizeof header);
    const char* name = buffer.data() + at + sizeof header;
    told({header.wd, header.mask, header.cookie, header.len == 0 ? std::string() : std::string(name)});
    at += static_cast<ssize_t>(sizeof header + header.len);
  }
  return got > 0;
}

}  // namespace boxlite::fileserver
