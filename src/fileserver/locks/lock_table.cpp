// SPDX-License-Identifier: Apache-2.0
#include "fileserver/locks/lock_table.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "base/result.h"
#include "linux/interruption.h"

namespace boxlite::fileserver {
namespace {

constexpr std::size_t max_waits = 128;
constexpr std::size_t max_queue = 4096;
constexpr std::chrono::milliseconds retry_interval(20);
// A signal that comes before the thread waits is lost, so it is sent again.
constexpr std::chrono::milliseconds press_interval(10);

Answer<struct flock> range_of(const fuse_file_lock& lock) {
  constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (lock.start > last || lock.end < lock.start) return refuse(EINVAL);
  struct flock range = {};
  range.l_type = static_cast<short>(lock.type);
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(lock.start);
  range.l_len = lock.end >= last ? 0 : static_cast<off_t>(lock.end - lock.start + 1);
  return range;
}

Answer<int> flock_operation(const fuse_file_lock& lock) {
  switch (lock.type) {
    case F_RDLCK: return LOCK_SH;
    case F_WRLCK: return LOCK_EX;
    case F_UNLCK: return LOCK_UN;
    default: return refuse(EINVAL);
  }
}

bool is_whole_file(const fuse_lk_in& in) {
  return (in.lk_flags & FUSE_LK_FLOCK) != 0;
}

}  // namespace

LockTable::LockTable(linux_::EventLoop& loop, Channel& channel, GrantedLocks& granted, std::size_t max_owners)
    : loop_(loop), channel_(channel), granted_(granted), max_owners_(max_owners) {
  linux_::allow_interruption();
}

LockTable::~LockTable() {
  clear();
}

void LockTable::clear() {
  for (auto& wait : waits_) linux_::interrupt_and_join(wait.thread, wait.is_over);
  waits_.clear();
  queue_.clear();
  owners_.clear();
}

void LockTable::clear(std::uint64_t node) {
  std::erase_if(owners_, [&](const auto& entry) { return entry.first.first == node; });
}

std::vector<std::string> LockTable::suspend() {
  std::vector<std::string> unanswered;
  for (auto& wait : waits_) wait.is_suspended = true;
  for (auto& wait : waits_) {
    linux_::interrupt_and_join(wait.thread, wait.is_over);
    if (!wait.is_answered) unanswered.push_back(std::move(wait.wanted.request));
  }
  waits_.clear();
  for (auto& wanted : queue_) unanswered.push_back(std::move(wanted.request));
  queue_.clear();
  return unanswered;
}

void LockTable::for_each_owner(const std::function<void(std::uint64_t node, std::uint64_t owner,
                                                        std::uint64_t file, int fd)>& visit) const {
  for (const auto& [owner, held] : owners_) visit(owner.first, owner.second, held.file, held.fd->get());
}

Answer<SharedFd> LockTable::descriptor_of(const HostTree& tree, const OpenFile& file, std::uint64_t owner) {
  auto& held = owners_[{file.node, owner}];
  held.file = file.id;
  if (held.fd) return held.fd;
  if (owners_.size() > max_owners_) {
    owners_.erase({file.node, owner});
    return refuse(ENOLCK);
  }
  auto opened = tree.reopen(file.fd->get(), O_RDWR | O_NONBLOCK);
  if (!opened) opened = tree.reopen(file.fd->get(), O_RDONLY | O_NONBLOCK);
  if (!opened) {
    owners_.erase({file.node, owner});
    return refuse(opened.error());
  }
  held.fd = std::make_shared<const UniqueFd>(std::move(*opened));
  return held.fd;
}

Answer<fuse_file_lock> LockTable::test(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in) {
  auto range = BOXLITE_TRY(range_of(in.lk));
  const auto fd = BOXLITE_TRY(descriptor_of(tree, file, in.owner));
  BOXLITE_TRY(answer_of(::fcntl(fd->get(), F_OFD_GETLK, &range)));
  fuse_file_lock held = {};
  held.type = static_cast<std::uint32_t>(range.l_type);
  if (range.l_type == F_UNLCK) return held;
  held.start = static_cast<std::uint64_t>(range.l_start);
  held.end = range.l_len == 0 ? static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())
                              : held.start + static_cast<std::uint64_t>(range.l_len) - 1;
  return held;
}

Answer<void> LockTable::set(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in) {
  if (is_whole_file(in)) {
    const auto operation = BOXLITE_TRY(flock_operation(in.lk));
    return answer_of(::flock(file.fd->get(), operation | LOCK_NB));
  }
  auto range = BOXLITE_TRY(range_of(in.lk));
  if (in.lk.type == F_UNLCK && !owners_.contains({file.node, in.owner})) return {};
  const auto fd = BOXLITE_TRY(descriptor_of(tree, file, in.owner));
  return answer_of(::fcntl(fd->get(), F_OFD_SETLK, &range));
}

Answer<void> LockTable::wait(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in,
                             const Request& request) {
  // Most are free.
  const auto at_once = set(tree, file, in);
  if (at_once) {
    granted_.answer(request.unique(), request.whole());
    return {};
  }
  if (at_once.error() != EAGAIN && at_once.error() != EACCES) return at_once;
  if (queue_.size() >= max_queue) return refuse(ENOLCK);
  const auto range = is_whole_file(in) ? Answer<struct flock>() : range_of(in.lk);
  const auto operation = flock_operation(in.lk);
  const auto fd = is_whole_file(in) ? Answer<SharedFd>(file.fd) : descriptor_of(tree, file, in.owner);
  if (!range || !operation || !fd) return refuse(EINVAL);
  begin_to_wait({.unique = request.unique(),
                 .request = std::string(request.whole()),
                 .node = file.node,
                 .fd = *fd,
                 .is_whole_file = is_whole_file(in),
                 .operation = *operation,
                 .range = *range});
  return {};
}

int LockTable::Wanted::take(bool waits) {
  const int result = is_whole_file ? ::flock(fd->get(), waits ? operation : operation | LOCK_NB)
                                   : ::fcntl(fd->get(), waits ? F_OFD_SETLKW : F_OFD_SETLK, &range);
  return result == 0 ? 0 : errno;
}

void LockTable::begin_to_wait(Wanted wanted) {
  if (waits_.size() < max_waits) {
    auto& wait = waits_.emplace_back(std::move(wanted));
    try {
      wait.thread =
          std::thread([this, &wait, table = std::weak_ptr<LockTable*>(self_)] { wait_for(wait, table); });
      return;
    } catch (const std::system_error&) {
      // As many threads as this user may have.
      wanted = std::move(wait.wanted);
      waits_.pop_back();
    }
  }
  queue_.push_back(std::move(wanted));
  if (queue_.size() == 1) retry_ = loop_.after(retry_interval, [this] { retry(); });
}

// On a thread of its own.
void LockTable::wait_for(Wait& wait, const std::weak_ptr<LockTable*>& table) {
  const int os_error = wait.wanted.take(true);
  wait.is_granted = os_error == 0;
  wait.is_answered = !wait.is_granted && (!wait.is_suspended || wait.is_interrupted);
  if (wait.is_answered) channel_.answer(wait.wanted.unique, os_error);
  // What was closed meanwhile is not locked any more.
  wait.wanted.fd.reset();
  wait.is_over = true;
  loop_.post([table] {
    if (const auto there = table.lock()) (*there)->collect();
  });
}

void LockTable::retry() {
  std::vector<Wanted> granted;
  std::erase_if(queue_, [&](Wanted& wanted) {
    const int os_error = wanted.take(false);
    if (os_error == EAGAIN || os_error == EACCES) return false;
    if (os_error != 0)
      channel_.answer(wanted.unique, os_error);
    else
      granted.push_back(std::move(wanted));
    return true;
  });
  for (const auto& wanted : granted) granted_.answer(wanted.unique, wanted.request);
  if (!queue_.empty()) retry_ = loop_.after(retry_interval, [this] { retry(); });
}

void LockTable::collect() {
  std::vector<Wanted> granted;
  waits_.remove_if([&](Wait& wait) {
    if (!wait.is_over) return false;
    wait.thread.join();
    if (wait.is_granted) granted.push_back(std::move(wait.wanted));
    return true;
  });
  for (const auto& wanted : granted) granted_.answer(wanted.unique, wanted.request);
}

void LockTable::interrupt_all(const std::function<bool(const Wanted&)>& is_it) {
  std::erase_if(queue_, [&](const Wanted& wanted) {
    if (!is_it(wanted)) return false;
    channel_.answer(wanted.unique, EINTR);
    return true;
  });
  for (auto& wait : waits_)
    if (is_it(wait.wanted)) wait.is_interrupted = true;
  press();
}

void LockTable::interrupt(std::uint64_t unique) {
  interrupt_all([&](const Wanted& wanted) { return wanted.unique == unique; });
}

void LockTable::release_all(const std::function<bool(std::uint64_t node)>& is_of) {
  std::erase_if(owners_, [&](const auto& owner) { return is_of(owner.first.first); });
  interrupt_all([&](const Wanted& wanted) { return is_of(wanted.node); });
}

void LockTable::press() {
  bool is_any = false;
  for (auto& wait : waits_) {
    if (!wait.is_interrupted || wait.is_over) continue;
    is_any = true;
    linux_::interrupt(wait.thread);
  }
  if (is_any) press_ = loop_.after(press_interval, [this] { press(); });
}

void LockTable::release(std::uint64_t node, std::uint64_t owner) {
  owners_.erase({node, owner});
}

void LockTable::release_file(std::uint64_t node, std::uint64_t file) {
  const auto begin = owners_.lower_bound({node, 0});
  for (auto owner = begin; owner != owners_.end() && owner->first.first == node;)
    owner = owner->second.file == file ? owners_.erase(owner) : std::next(owner);
}

}  // namespace boxlite::fileserver
