// SPDX-License-Identifier: Apache-2.0
#include "disk/layer_application.h"

#include <array>
#include <chrono>

#include "base/concat.h"
#include "base/scope_exit.h"
#include "disk/layer_stream.h"

namespace boxlite::disk {
namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view aufs_prefix = ".wh..wh.";  // its own records; only the opaque mark means something
constexpr std::string_view opaque_mark = ".wh..wh..opq";
constexpr std::size_t max_symlink = 4095;

// Labels of the machine that built the image; they mean nothing elsewhere. umoci leaves out the same ones.
constexpr std::array<std::string_view, 2> foreign_xattrs = {"security.selinux", "system.nfs4_acl"};

void set_metadata(Inode& inode, TarEntry& entry) {
  // Linux gives a symlink no mode of its own, whatever the archive says.
  inode.mode = inode.kind == EntryKind::symlink ? 0777 : entry.mode;
  inode.uid = entry.uid;
  inode.gid = entry.gid;
  inode.device_major = entry.device_major;
  inode.device_minor = entry.device_minor;
  inode.modified = entry.modified;
  inode.accessed = entry.accessed;
  inode.xattrs = std::move(entry.xattrs);
  for (const auto foreign : foreign_xattrs) {
    std::erase_if(inode.xattrs, [&](const Xattr& xattr) { return xattr.name == foreign; });
  }
}

std::uint64_t metadata_bytes(const TarEntry& entry) {
  std::uint64_t bytes = entry.link_target.size();
  for (const Xattr& xattr : entry.xattrs) bytes += xattr.name.size() + xattr.value.size() + sizeof(Xattr);
  return bytes;
}

}  // namespace

Result<void> LayerApplication::apply(TarReader& layer, const std::function<Result<void>()>& tick) {
  ++layer_;
  tick_ = &tick;
  while (auto entry = BOXLITE_TRY(layer.next())) {
    if (entries_left_-- == 0) {
      return fail(ErrorCode::resource_exhausted,
                  concat("the layers hold more than the limit of ", entry_limit_, " entries"));
    }
    BOXLITE_TRY(tick());
    const std::string name = entry->name;
    BOXLITE_TRY_CONTEXT(concat("add ", in_quotes(name)), apply_entry(layer, *entry));
  }
  return {};
}

Result<void> LayerApplication::apply_entry(TarReader& layer, TarEntry& entry) {
  std::vector<std::string> path = BOXLITE_TRY(clean_path(entry.name));
  if (path.empty()) return apply_root(entry);
  const std::string name = std::move(path.back());
  path.pop_back();
  if (name.starts_with(aufs_prefix) && name != opaque_mark) return {};
  for (const std::string& component : path) {
    if (component.starts_with(aufs_prefix)) return {};
  }
  const Location parent = BOXLITE_TRY(tree_.locate(join(path, "/")));
  if (name == opaque_mark) return hide_all(parent);
  if (name.starts_with(whiteout_prefix)) return hide(parent, std::string_view(name).substr(4));
  BOXLITE_TRY(tree_.charge(metadata_bytes(entry)));
  return place(layer, parent, name, entry);
}

Result<void> LayerApplication::apply_root(const TarEntry& entry) {
  if (entry.kind != EntryKind::directory) {
    return fail(ErrorCode::corrupted, "the root of an image can only be a directory");
  }
  BOXLITE_TRY(tree_.charge(metadata_bytes(entry)));
  TarEntry copy = entry;
  set_metadata(tree_.root(), copy);
  return {};
}

Result<void> LayerApplication::hide(const Location& parent, std::string_view hidden) {
  if (hidden.empty() || hidden == "." || hidden == "..") {
    return fail(ErrorCode::corrupted, "the whiteout names no file");
  }
  Inode* directory = &tree_.root();
  if (!parent.empty()) {
    if (parent.back().link == nullptr) return {};
    directory = parent.back().link->inode.get();
  }
  const auto child = directory->children.find(hidden);
  if (child == directory->children.end()) return {};
  return tree_.remove_lower(*directory, child, layer_);
}

Result<void> LayerApplication::hide_all(const Location& parent) {
  Inode* directory = &tree_.root();
  if (!parent.empty()) {
    if (parent.back().link == nullptr) return {};
    directory = parent.back().link->inode.get();
  }
  for (auto next = directory->children.begin(); next != directory->children.end();) {
    const auto current = next++;
    BOXLITE_TRY(tree_.remove_lower(*directory, current, layer_));
  }
  return {};
}

Result<void> LayerApplication::place(TarReader& layer, const Location& parent, const std::string& name,
                                     TarEntry& entry) {
  Inode& directory = *BOXLITE_TRY(tree_.make_directory(parent, entry.modified));
  tree_.touch(parent, layer_);
  auto existing = directory.children.find(name);
  if (existing != directory.children.end()) {
    Inode& old = *existing->second.inode;
    if (old.is_directory() && entry.kind == EntryKind::directory) {
      set_metadata(old, entry);
      existing->second.layer = layer_;
      return {};
    }
    BOXLITE_TRY(tree_.remove(directory, existing));
  }
  if (entry.kind == EntryKind::hard_link) {
    auto target = BOXLITE_TRY_CONTEXT(concat("link to ", in_quotes(entry.link_target)), link_target(entry));
    return tree_.insert(directory, name, std::move(target), layer_);
  }
  if (entry.kind == EntryKind::symlink &&
      (entry.link_target.empty() || entry.link_target.size() > max_symlink)) {
    return fail(ErrorCode::corrupted,
                concat("the symlink's target is empty or longer than ", max_symlink, " bytes"));
  }
  auto inode = std::make_shared<Inode>();
  inode->kind = entry.kind;
  if (entry.kind == EntryKind::symlink) inode->symlink_target = std::move(entry.link_target);
  if (entry.kind == EntryKind::file) inode->size = entry.size;
  set_metadata(*inode, entry);
  BOXLITE_TRY(tree_.insert(directory, name, inode, layer_));
  if (entry.kind != EntryKind::file) return {};
  return copy_content(layer, *inode);
}

Result<std::shared_ptr<Inode>> LayerApplication::link_target(const TarEntry& entry) {
  std::vector<std::string> path = BOXLITE_TRY(clean_path(entry.link_target));
  if (path.empty()) return fail(ErrorCode::corrupted, "a directory cannot be hard-linked");
  const std::string name = std::move(path.back());
  path.pop_back();
  const Location parent = BOXLITE_TRY(tree_.locate(join(path, "/")));
  Inode* directory = &tree_.root();
  if (!parent.empty()) directory = parent.back().link != nullptr ? parent.back().link->inode.get() : nullptr;
  const auto child = directory != nullptr ? directory->children.find(name) : Children::iterator();
  if (directory == nullptr || child == directory->children.end()) {
    return fail(ErrorCode::corrupted, "the target of a hard link is in neither this layer nor one below");
  }
  if (child->second.inode->is_directory())
    return fail(ErrorCode::corrupted, "a directory cannot be hard-linked");
  return child->second.inode;
}

Result<void> LayerApplication::copy_content(TarReader& layer, Inode& file) {
  BOXLITE_TRY(sink_.begin(file));
  while (const auto piece = BOXLITE_TRY(layer.read_content())) {
    BOXLITE_TRY((*tick_)());
    BOXLITE_TRY(sink_.write(file, piece->offset, piece->bytes));
  }
  return sink_.end(file);
}

namespace {

// Tells progress ten times a second at most.
class ProgressMeter {
 public:
  ProgressMeter(const ProgressCallback& callback, std::uint64_t total) : callback_(callback), total_(total) {}
  void show(std::uint64_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!callback_ || now < due_) return;
    due_ = now + std::chrono::milliseconds(100);
    callback_({BuildStage::layers, std::min(done, total_), total_});
  }

 private:
  const ProgressCallback& callback_;
  std::uint64_t total_;
  std::chrono::steady_clock::time_point due_;
};

}  // namespace

Result<void> apply_layers(std::span<const LayerSource> layers, const LayerRun& run, FileTree& tree,
                          ContentSink& sink) {
  if (layers.empty()) return fail(ErrorCode::invalid_argument, "the image has no layers");
  std::uint64_t total = 0;
  std::vector<std::uint64_t> sizes;
  for (const LayerSource& layer : layers) {
    std::error_code problem;
    const std::uint64_t size = std::filesystem::file_size(layer.blob, problem);
    if (problem) return fail(syscall_error("stat", layer.blob.native(), problem.value()));
    sizes.push_back(size);
    total += size;
  }
  ProgressMeter meter(run.progress, total);
  LayerApplication application(tree, sink, run.limits.entries);
  LayerLimits limits = run.limits;
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto which = [&] { return concat("read layer ", i + 1, " of ", layers.size()); };
    auto stream = BOXLITE_TRY_CONTEXT(which(), LayerStream::open(layers[i], limits));
    TarReader reader(*stream);
    const std::function<Result<void>()> tick = [&]() -> Result<void> {
      if (run.stop.stop_requested()) return fail(ErrorCode::cancelled, "the caller asked to stop");
      meter.show(done + stream->consumed_bytes());
      return {};
    };
    BOXLITE_TRY_CONTEXT(which(), application.apply(reader, tick));
    BOXLITE_TRY_CONTEXT(which(), stream->verify());
    limits.uncompressed_bytes -= stream->uncompressed_bytes();
    done += sizes[i];
  }
  return {};
}

}  // namespace boxlite::disk
