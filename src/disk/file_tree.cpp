// SPDX-License-Identifier: Apache-2.0
#include "disk/file_tree.h"

#include <deque>

#include "base/concat.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t max_depth = 2048;
constexpr int max_symlinks = 255;
constexpr std::uint32_t max_links = 65'000;
constexpr std::uint64_t bytes_per_name = 128;  // what a map node and its inode cost, about
constexpr std::size_t max_name = 255;

std::deque<std::string> components(std::string_view path) {
  std::deque<std::string> out;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    if (!component.empty() && component != ".") out.emplace_back(component);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> clean_path(std::string_view path) {
  std::vector<std::string> cleaned;
  for (std::string& component : components(path)) {
    if (component != "..") {
      cleaned.push_back(std::move(component));
    } else if (!cleaned.empty()) {
      cleaned.pop_back();
    } else {
      return fail(ErrorCode::corrupted, "its name leads out of the image's root directory");
    }
  }
  return cleaned;
}

FileTree::FileTree(ContentSink& sink, std::uint64_t metadata_limit, std::uint64_t symlink_step_limit)
    : sink_(sink),
      root_{std::make_shared<Inode>(), 0},
      metadata_limit_(metadata_limit),
      symlink_step_limit_(symlink_step_limit) {
  root().kind = EntryKind::directory;
  root().mode = 0755;
  root().links = 1;
}

Result<void> FileTree::charge(std::uint64_t bytes) {
  metadata_bytes_ += bytes;
  if (metadata_bytes_ <= metadata_limit_) return {};
  return fail(
      ErrorCode::resource_exhausted,
      concat("names and attributes of the files take more than the limit of ", metadata_limit_, " bytes"));
}

Result<Location> FileTree::locate(std::string_view directory) {
  Location location;
  std::deque<std::string> rest = components(directory);
  int symlinks = 0;
  while (!rest.empty()) {
    std::string name = std::move(rest.front());
    rest.pop_front();
    if (name == "..") {
      if (!location.empty()) location.pop_back();
      continue;
    }
    if (name.size() > max_name) {
      return fail(ErrorCode::resource_exhausted,
                  concat("a name in its path is longer than ", max_name, " bytes"));
    }
    if (location.size() >= max_depth) {
      return fail(ErrorCode::resource_exhausted,
                  concat("its path is deeper than ", max_depth, " directories"));
    }
    Link* found = nullptr;
    Link* parent = location.empty() ? &root_ : location.back().link;
    if (parent != nullptr) {
      const auto child = parent->inode->children.find(name);
      if (child != parent->inode->children.end()) found = &child->second;
    }
    if (found == nullptr || found->inode->kind != EntryKind::symlink) {
      location.push_back({std::move(name), found});
      continue;
    }
    if (++symlinks > max_symlinks) return fail(ErrorCode::corrupted, "the symlinks in its path form a loop");
    const std::string& target = found->inode->symlink_target;
    if (target.starts_with('/')) location.clear();
    const std::deque<std::string> detour = components(target);
    symlink_steps_ += detour.size();
    if (symlink_steps_ > symlink_step_limit_) {
      return fail(ErrorCode::resource_exhausted,
                  concat("the symlinks in the paths of the image lead through more than ",
                         symlink_step_limit_, " directories"));
    }
    rest.insert(rest.begin(), detour.begin(), detour.end());
  }
  return location;
}

Result<Inode*> FileTree::make_directory(const Location& location, FileTime modified) {
  Inode* directory = &root();
  for (const Step& step : location) {
    auto child = directory->children.find(step.name);
    if (child == directory->children.end()) {
      auto made = std::make_shared<Inode>();
      made->kind = EntryKind::directory;
      made->mode = 0755;
      made->modified = made->accessed = modified;
      BOXLITE_TRY(insert(*directory, step.name, std::move(made), 0));
      child = directory->children.find(step.name);
    }
    directory = child->second.inode.get();
    if (!directory->is_directory()) {
      return fail(ErrorCode::corrupted, concat("its parent ", in_quotes(step.name), " is not a directory"));
    }
  }
  return directory;
}

Result<void> FileTree::insert(Inode& directory, std::string_view name, std::shared_ptr<Inode> inode,
                              std::uint32_t layer) {
  if (name.size() > max_name) {
    return fail(ErrorCode::resource_exhausted, concat("the file name is longer than ", max_name, " bytes"));
  }
  if (inode->links >= max_links) {
    return fail(ErrorCode::resource_exhausted, concat("a file has more than ", max_links, " names"));
  }
  BOXLITE_TRY(charge(name.size() + bytes_per_name));
  if (inode->links++ == 0) ++inode_count_;
  directory.children.emplace(name, Link{std::move(inode), layer});
  return {};
}

Result<void> FileTree::release(Link& link) {
  Inode& inode = *link.inode;
  for (auto& [name, child] : inode.children) BOXLITE_TRY(release(child));
  inode.children.clear();
  if (--inode.links > 0) return {};
  --inode_count_;
  if (inode.kind != EntryKind::file) return {};
  return sink_.discard(inode);
}

Result<void> FileTree::remove(Inode& directory, Children::iterator child) {
  BOXLITE_TRY(release(child->second));
  directory.children.erase(child);
  return {};
}

Result<void> FileTree::remove_lower(Inode& directory, Children::iterator child, std::uint32_t layer) {
  if (child->second.layer != layer) return remove(directory, child);
  Inode& kept = *child->second.inode;
  for (auto next = kept.children.begin(); next != kept.children.end();) {
    const auto current = next++;
    BOXLITE_TRY(remove_lower(kept, current, layer));
  }
  return {};
}

void FileTree::touch(const Location& location, std::uint32_t layer) {
  Inode* directory = &root();
  for (const Step& step : location) {
    const auto child = directory->children.find(step.name);
    if (child == directory->children.end()) return;
    child->second.layer = layer;
    directory = child->second.inode.get();
  }
}

}  // namespace boxlite::disk
