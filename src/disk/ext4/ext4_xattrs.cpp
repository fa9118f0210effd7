// SPDX-License-Identifier: Apache-2.0
// Both places are filled alike: entries {lengths, namespace, where the value is, hash, name} from the front,
// each padded to four bytes, a zero word behind the last; values from the end. In the block the entries are
// sorted, for the kernel's search.
#include "disk/ext4/ext4_xattrs.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include <ext2fs/ext2fs.h>

#include "base/concat.h"
#include "disk/ext4/ext4_acl.h"
#include "disk/ext4/ext4_file_system.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t longest_xattr_name = 255;
constexpr std::size_t magic_bytes = 4;
constexpr std::size_t end_mark = 4;
constexpr std::size_t entry_head = sizeof(ext2_ext_attr_entry);

struct Namespace {
  std::string_view prefix;
  std::uint8_t index;
  bool is_whole_name = false;
};
constexpr std::uint8_t user_index = 1;
constexpr std::uint8_t default_acl_index = 3;
constexpr Namespace namespaces[] = {{"user.", user_index},
                                    {"system.posix_acl_access", 2, true},
                                    {"system.posix_acl_default", default_acl_index, true},
                                    {"trusted.", 4},
                                    {"security.", 6}};

struct Stored {
  std::string_view full_name;
  std::string_view name;  // behind the namespace's prefix
  std::uint8_t index = 0;
  std::string value;

  std::size_t bytes() const { return padded(entry_head + name.size()) + padded(value.size()); }
  static std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }
};

// One of the two places, with where its entries begin. Values are told by their distance from its start.
class Place {
 public:
  Place(std::size_t size, std::size_t entries_at)
      : bytes_(size, '\0'), end_(entries_at), values_at_(size), entries_at_(entries_at) {}

  bool has_room(const Stored& xattr) const { return end_ + end_mark + xattr.bytes() <= values_at_; }
  void add(const Stored& xattr) {
    ext2_ext_attr_entry entry{};
    entry.e_name_len = static_cast<std::uint8_t>(xattr.name.size());
    entry.e_name_index = xattr.index;
    entry.e_value_size = static_cast<std::uint32_t>(xattr.value.size());
    values_at_ -= Stored::padded(xattr.value.size());
    if (!xattr.value.empty()) entry.e_value_offs = static_cast<std::uint16_t>(values_at_);
    std::memcpy(&bytes_[values_at_], xattr.value.data(), xattr.value.size());
    char* at = &bytes_[end_];
    std::memcpy(at + entry_head, xattr.name.data(), xattr.name.size());
    std::memcpy(at, &entry, sizeof entry);
    entry.e_hash = hash(at, xattr.value.empty() ? nullptr : &bytes_[values_at_]);
    std::memcpy(at, &entry, sizeof entry);
    end_ += Stored::padded(entry_head + xattr.name.size());
  }
  bool is_empty() const { return end_ == entries_at_; }
  std::size_t end() const { return end_; }
  std::string& bytes() { return bytes_; }

 private:
  static std::uint32_t hash(char* entry, char* value) {
    return ext2fs_ext_attr_hash_entry(reinterpret_cast<ext2_ext_attr_entry*>(entry), value);
  }

  std::string bytes_;
  std::size_t end_;
  std::size_t values_at_;
  std::size_t entries_at_;
};

// VFS_CAP_REVISION_1 to 3, each of its own length.
Result<void> check_capability(std::string_view value) {
  constexpr std::size_t lengths[] = {0, 12, 20, 24};
  const std::size_t revision = value.size() < 4 ? 0 : static_cast<unsigned char>(value[3]);
  if (revision >= 1 && revision <= 3 && value.size() == lengths[revision]) return {};
  return fail(ErrorCode::corrupted, "it is not a file capability");
}

bool has_place(const Inode& inode, const Namespace& space) {
  if (space.index == user_index) return inode.kind == EntryKind::file || inode.is_directory();
  if (space.index == default_acl_index) return inode.is_directory();
  return !space.is_whole_name || inode.kind != EntryKind::symlink;
}

const Namespace* find_namespace(std::string_view name) {
  const auto* const found = std::ranges::find_if(namespaces, [&](const Namespace& space) {
    return space.is_whole_name ? name == space.prefix : name.starts_with(space.prefix);
  });
  return found == std::end(namespaces) ? nullptr : found;
}

Result<std::string> value_on_disk(const Xattr& xattr, const Namespace& space) {
  if (space.is_whole_name) return acl_on_disk(xattr.value);
  if (xattr.name == "security.capability") BOXLITE_TRY(check_capability(xattr.value));
  return xattr.value;
}

Result<void> collect(const Inode& inode, const Xattr& xattr, std::vector<Stored>& out) {
  const Namespace* space = find_namespace(xattr.name);
  if (space == nullptr || !has_place(inode, *space)) return {};
  const auto name = std::string_view(xattr.name).substr(space->prefix.size());
  if ((name.empty() && !space->is_whole_name) || xattr.name.size() > longest_xattr_name)
    return fail(ErrorCode::corrupted, "its name is empty or too long");
  std::string value = BOXLITE_TRY(value_on_disk(xattr, *space));
  if (space->is_whole_name && value.empty()) return {};
  out.push_back({xattr.name, name, space->index, std::move(value)});
  return {};
}

std::string context(std::string_view name) {
  return concat("extended attribute ", in_quotes(name));
}

Result<std::string> block_of(std::vector<Stored>& xattrs) {
  std::ranges::sort(xattrs, [](const Stored& a, const Stored& b) {
    return std::tuple(a.index, a.name.size(), a.name) < std::tuple(b.index, b.name.size(), b.name);
  });
  Place block(ext4_block_bytes, sizeof(ext2_ext_attr_header));
  for (const Stored& xattr : xattrs) {
    if (!block.has_room(xattr)) {
      return fail(Error(ErrorCode::resource_exhausted,
                        "the attributes of a file are larger than ext4's limit of 4 KiB")
                      .context(context(xattr.full_name)));
    }
    block.add(xattr);
  }
  auto* header = reinterpret_cast<ext2_ext_attr_header*>(block.bytes().data());
  header->h_magic = EXT2_EXT_ATTR_MAGIC;
  header->h_refcount = 1;
  header->h_blocks = 1;
  ext2fs_ext_attr_block_rehash(header, reinterpret_cast<ext2_ext_attr_entry*>(&block.bytes()[block.end()]));
  return std::move(block.bytes());
}

}  // namespace

Result<XattrLayout> lay_out_xattrs(const Inode& inode) {
  std::vector<Stored> xattrs;
  for (const Xattr& xattr : inode.xattrs)
    BOXLITE_TRY_CONTEXT(context(xattr.name), collect(inode, xattr, xattrs));
  std::ranges::sort(xattrs, {}, [](const Stored& one) { return std::tuple(one.bytes(), one.full_name); });
  Place small(xattr_bytes_in_inode - magic_bytes, 0);
  std::vector<Stored> rest;
  for (Stored& xattr : xattrs) {
    if (small.has_room(xattr)) {
      small.add(xattr);
    } else {
      rest.push_back(std::move(xattr));
    }
  }
  XattrLayout layout;
  if (!small.is_empty()) {
    constexpr std::uint32_t magic = EXT2_EXT_ATTR_MAGIC;
    layout.in_inode.assign(reinterpret_cast<const char*>(&magic), sizeof magic);
    layout.in_inode += small.bytes();
  }
  if (!rest.empty()) layout.block = BOXLITE_TRY(block_of(rest));
  return layout;
}

}  // namespace boxlite::disk
