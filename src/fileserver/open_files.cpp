// SPDX-License-Identifier: Apache-2.0
#include "fileserver/open_files.h"

#include <utility>

namespace boxlite::fileserver {

Answer<OpenFile*> OpenFiles::add(Node& node, SharedFd fd) {
  if (is_full()) return refuse(EMFILE);
  auto file = std::make_unique<OpenFile>();
  file->id = ++last_id_;
  file->node = node.id;
  file->fd = std::move(fd);
  std::erase_if(node.open, [](const auto& open) { return open.expired(); });
  node.open.push_back(file->fd);
  auto* added = file.get();
  files_.emplace(added->id, std::move(file));
  return added;
}

Answer<OpenFile*> OpenFiles::find(std::uint64_t id, std::uint64_t node) {
  const auto found = files_.find(id);
  if (found == files_.end() || found->second->node != node) return refuse(EBADF);
  return found->second.get();
}

void OpenFiles::close(std::uint64_t id) {
  files_.erase(id);
}

}  // namespace boxlite::fileserver
