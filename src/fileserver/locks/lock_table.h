// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/fuse.h>

#include "fileserver/answer.h"
#include "fileserver/channel.h"
#include "fileserver/locks/granted_locks.h"
#include "fileserver/nodes/host_tree.h"
#include "fileserver/nodes/node_table.h"
#include "fileserver/nodes/open_files.h"
#include "fileserver/request.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {

// The guest's locks, as locks of the host's kernel: they hold against the host's programs and other boxes,
// and end with this process. flock: of the guest's open file. fcntl: of a descriptor for each owner (a
// process of the guest) and file. Loop thread only; a lock that is waited for has a thread of its own, as
// long as these are few.
class LockTable {
 public:
  // At most `max_owners` processes of the guest and files.
  LockTable(linux_::EventLoop& loop, Channel& channel, GrantedLocks& granted, std::size_t max_owners);
  LockTable(const LockTable&) = delete;
  LockTable& operator=(const LockTable&) = delete;
  ~LockTable();

  Answer<fuse_file_lock> test(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in);
  // EAGAIN: somebody else holds it.
  Answer<void> set(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in);
  // Answers it once the lock is there, or interrupted. ENOLCK: thousands wait already.
  Answer<void> wait(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in, const Request& request);
  void interrupt(std::uint64_t unique);
  // The owner closes the file.
  void release(std::uint64_t node, std::uint64_t owner);
  // The open file is closed for good: locks that belong to it (F_OFD_SETLK) go with it, and no owner is named
  // for them. A process that has locked by it has closed it before.
  void release_file(std::uint64_t node, std::uint64_t file);
  // All of those nodes; who waits for one is interrupted.
  void release_all(const std::function<bool(std::uint64_t node)>& is_of);
  void clear();
  void clear(std::uint64_t node);

  // That of an owner, made if it is not there.
  Answer<SharedFd> descriptor_of(const HostTree& tree, const OpenFile& file, std::uint64_t owner);
  // Nobody waits any more, and who did gets no answer: their requests.
  std::vector<std::string> suspend();
  // The descriptors of owners, whose locks they are.
  void for_each_owner(const std::function<void(std::uint64_t node, std::uint64_t owner, std::uint64_t file,
                                               int fd)>& visit) const;

 private:
  // A lock, and what it is on.
  struct Wanted {
    std::uint64_t unique;
    std::string request;
    std::uint64_t node;
    SharedFd fd;
    bool is_whole_file;
    int operation;       // of flock
    struct flock range;  // of fcntl

    // 0, or an errno.
    int take(bool waits);
  };
  struct Wait {
    Wanted wanted;
    std::atomic<bool> is_over = false;
    std::atomic<bool> is_interrupted = false;
    std::atomic<bool> is_suspended = false;
    // Once it is over.
    bool is_granted = false;
    bool is_answered = false;
    std::thread thread = {};
  };
  using Owner = std::pair<std::uint64_t, std::uint64_t>;  // node, owner
  struct Held {
    SharedFd fd = {};
    std::uint64_t file = 0;  // by which it locked, last
  };

  void collect();
  void wait_for(Wait& wait, const std::weak_ptr<LockTable*>& table);
  void press();
  void begin_to_wait(Wanted wanted);
  void retry();
  void interrupt_all(const std::function<bool(const Wanted&)>& is_it);

  linux_::EventLoop& loop_;
  Channel& channel_;
  GrantedLocks& granted_;
  std::shared_ptr<LockTable*> self_ = std::make_shared<LockTable*>(this);  // for what is posted
  std::size_t max_owners_;
  std::map<Owner, Held> owners_;
  std::list<Wait> waits_;
  std::list<Wanted> queue_;  // more than there are threads for: asked for again and again
  linux_::EventLoop::Timer press_;
  linux_::EventLoop::Timer retry_;
};

}  // namespace boxlite::fileserver
