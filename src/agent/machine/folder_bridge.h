// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fuse/bridge.h"
#include "wire/folder_orders.h"

namespace boxlite::agent {

// Before anything else is asked for on the port.
Result<void> tell_box_user(int port_fd, const wire::BoxUser& user);

// A process that carries what the kernel asks of folders to a file server, and back, for one file system
// after the other: a machine that is saved has it already. It ends with this object.
class FolderBridge {
 public:
  // None yet.
  FolderBridge() = default;
  // `root`: where the file systems are mounted.
  static Result<FolderBridge> start(const std::string& root);

  bool is_started() const { return control_.is_open(); }
  // Until the stream ends; the kernel then fails what was asked (ENOTCONN).
  Result<void> carry(fuse::Ends ends) const;
  // Until what it carries has ended.
  void wait() const;

 private:
  explicit FolderBridge(UniqueFd control) : control_(std::move(control)) {}
  UniqueFd control_;
};

// A process that is the server of a rehearsal (fuse/rehearsal.h). It ends with the file system.
Result<pid_t> start_one_file_server(UniqueFd stream);

}  // namespace boxlite::agent
