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

#include <linux/fuse.h>

#include "fileserver/answer.h"
#include "fileserver/channel.h"
#include "fileserver/host_tree.h"
#include "fileserver/node_table.h"
#include "fileserver/open_files.h"
#include "fileserver/request.h"
#include "linux/event_loop.h"

namespace boxlite::fileserver {

// The guest's locks, as locks of the host's kernel: they hold against the host's programs and other boxes,
// and end with this process. flock: of the guest's open file. fcntl: of a descriptor for each owner (a
// process of the guest) and file. Loop thread only; a lock that is waited for has a thread of its own.
class LockTable {
 public:
  LockTable(linux_::EventLoop& loop, Channel& channel);
  LockTable(const LockTable&) = delete;
  LockTable& operator=(const LockTable&) = delete;
  ~LockTable();

  Answer<fuse_file_lock> test(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in);
  // EAGAIN: somebody else holds it.
  Answer<void> set(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in);
  // Answers `unique` once it is there, or interrupted. ENOLCK: too many wait already.
  Answer<void> wait(const HostTree& tree, const OpenFile& file, const fuse_lk_in& in, const Request& request);
  void interrupt(std::uint64_t unique);
  // The owner closes the file.
  void release(std::uint64_t node, std::uint64_t owner);
  void clear();
  void clear(std::uint64_t node);

  // That of an owner, made if it is not there.
  Answer<SharedFd> descriptor_of(const HostTree& tree, const OpenFile& file, std::uint64_t owner);
  // Nobody waits any more, and who did gets no answer: their requests.
  std::vector<std::string> suspend();
  // The descriptors of owners, whose locks they are.
  void for_each_owner(
      const std::function<void(std::uint64_t node, std::uint64_t owner, int fd)>& visit) const;

 private:
  struct Wait {
    std::uint64_t unique;
    std::string request;
    std::atomic<bool> is_over = false;
    std::atomic<bool> is_interrupted = false;
    std::atomic<bool> is_suspended = false;
    bool is_answered = true;  // once it is over
    std::thread thread = {};
  };
  using Owner = std::pair<std::uint64_t, std::uint64_t>;  // node, owner

  void collect();
  void press();

  linux_::EventLoop& loop_;
  Channel& channel_;
  std::map<Owner, SharedFd> owners_;
  std::list<Wait> waits_;
  linux_::EventLoop::Timer press_;
};

}  // namespace boxlite::fileserver
