// SPDX-License-Identifier: Apache-2.0
// What a machine's process may ask of the kernel once it runs.
#pragma once

#include <linux/filter.h>

#include "jail/bpf.h"

namespace boxlite::jail {

// How the metadata of files (modes, owners, times, attributes) is kept from the process.
enum class Metadata {
  by_mounts,  // all mounts but its own are read-only for it
  refused,    // it may change none
};

struct ForFileServer {};

// The filter of a machine's process, which is made before the process and installed by it as the last thing
// before it becomes the machine (linux_::ChildSpec::last_step): it gets its descriptors from us, and makes no
// process, no socket, no connection and no namespace, signals nobody but itself, looks into no other process,
// and gives no file a set-user-id bit.
class SystemCallFilter {
 public:
  explicit SystemCallFilter(Metadata metadata);
  // That of boxlite-fileserver, which allows what it needs and nothing else: it works on open directories and
  // files, and makes threads.
  explicit SystemCallFilter(ForFileServer);
  // Makes system calls only. For the calling process, which must have no_new_privs, for ever; false with
  // errno when the kernel has no such filters.
  bool install();

 private:
  Filter program_;
  std::size_t own_pid_at_;  // the instruction that compares with it
};

}  // namespace boxlite::jail
