// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "linux/event_loop.h"

namespace boxlite::agent {

// Ends reads that Linux 6.12 never ends: of a file in a folder that the host has made shorter, by a program
// that has not asked for its size since. The kernel then asks QEMU again and again for what it takes for
// missing (netfs_read_subreq_terminated, fs/netfs/read_collect.c), until it knows the new size; and any
// stat() of the file tells it. So once a second the files of processes that wait for a device are looked at.
// Loop thread only.
class StalledReads {
 public:
  explicit StalledReads(linux_::EventLoop& loop) : loop_(loop) { look_later(); }

 private:
  void look_later();

  linux_::EventLoop& loop_;
  linux_::EventLoop::Timer timer_;
};

}  // namespace boxlite::agent
