// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/open_files.h"

#include <utility>

namespace boxlite::fileserver {

Answer<OpenFile*> OpenFiles::add(Node& node, SharedFd fd) {
  if (is_full()) return refuse(EMFILE);
  return put(++last_id_, node, std::move(fd));
}

Answer<OpenFile*> OpenFiles::restore(std::uint64_t id, Node& node, SharedFd fd) {
  if (files_.contains(id) || id > last_id_) return refuse(EINVAL);
  return put(id, node, std::move(fd));
}

OpenFile* OpenFiles::put(std::uint64_t id, Node& node, SharedFd fd) {
  auto file = std::make_unique<OpenFile>();
  file->id = id;
  file->node = node.id;
  file->fd = std::move(fd);
  std::erase_if(node.open, [](const auto& open) { return open.expired(); });
  if (file->fd) node.open.push_back(file->fd);
  auto* added = file.get();
  files_.emplace(added->id, std::move(file));
  return added;
}

Answer<OpenFile*> OpenFiles::find(std::uint64_t id, std::uint64_t node) {
  const auto found = files_.find(id);
  if (found == files_.end() || found->second->node != node) return refuse(EBADF);
  if (!found->second->fd) return refuse(ESTALE);
  return found->second.get();
}

bool OpenFiles::has(std::uint64_t id, std::uint64_t node) const {
  const auto found = files_.find(id);
  return found != files_.end() && found->second->node == node;
}

void OpenFiles::for_each(const std::function<void(OpenFile&)>& visit) {
  for (const auto& [id, file] : files_) visit(*file);
}

void OpenFiles::close(std::uint64_t id) {
  files_.erase(id);
}

void OpenFiles::close_all(const std::function<bool(std::uint64_t node)>& is_of) {
  std::erase_if(files_, [&](const auto& file) { return is_of(file.second->node); });
}

void OpenFiles::make_entries(OpenFile& directory, std::size_t bytes) {
  if (directory.entries.capacity() == 0) {
    with_entries_.push_back(directory.id);
    if (with_entries_.size() > max_with_entries) {
      if (const auto oldest = files_.find(with_entries_.front()); oldest != files_.end())
        oldest->second->entries = std::vector<char>();
      with_entries_.pop_front();
    }
  }
  directory.entries.resize(bytes);
}

}  // namespace boxlite::fileserver
