// SPDX-License-Identifier: Apache-2.0
// Directory blocks are records of {inode, length, name length, type, name} that fill the block, followed by a
// tail that holds the checksum. A hashed directory has its names in leaf blocks sorted by hash; its block 0
// looks like a block with "." and ".." to whoever does not know the tree, and holds the root's {hash, block}
// entries behind them.
#include "disk/ext4/ext4_directory.h"

#include <algorithm>
#include <cstring>

#include "base/concat.h"
#include "disk/ext4/block_seal.h"
#include "disk/ext4/ext4_file_system.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t block_bytes = ext4_block_bytes;
constexpr std::size_t tail_bytes = sizeof(ext2_dir_entry_tail);
constexpr std::size_t name_space = block_bytes - tail_bytes;
constexpr std::size_t record_head = 8;
constexpr std::size_t index_entry_bytes = 8;
constexpr std::size_t root_entries_at = 32;  // behind ".", ".." and the tree's own header
constexpr std::size_t node_entries_at = 8;   // behind one empty record
constexpr std::size_t index_tail_bytes = 8;
constexpr std::size_t root_limit = (block_bytes - root_entries_at - index_tail_bytes) / index_entry_bytes;
constexpr std::size_t node_limit = (block_bytes - node_entries_at - index_tail_bytes) / index_entry_bytes;

struct Name {
  std::string_view text;
  std::uint32_t inode;
  std::uint8_t type;
  std::uint32_t hash;
  std::uint32_t minor_hash;
};

constexpr std::size_t record_bytes(std::size_t name_length) {
  return (record_head + name_length + 3) & ~std::size_t{3};
}

std::uint8_t type_of(const Inode& inode) {
  switch (inode.kind) {
    case EntryKind::file:
    case EntryKind::hard_link: return EXT2_FT_REG_FILE;
    case EntryKind::directory: return EXT2_FT_DIR;
    case EntryKind::symlink: return EXT2_FT_SYMLINK;
    case EntryKind::char_device: return EXT2_FT_CHRDEV;
    case EntryKind::block_device: return EXT2_FT_BLKDEV;
    case EntryKind::fifo: return EXT2_FT_FIFO;
  }
  return EXT2_FT_UNKNOWN;
}

template <typename Number>
void put(char* at, Number number) {
  std::memcpy(at, &number, sizeof number);
}

// One block of names under construction.
class LeafBlock {
 public:
  bool has_room(std::size_t name_length) const { return used_ + record_bytes(name_length) <= name_space; }
  void add(std::string_view name, std::uint32_t inode, std::uint8_t type) {
    char* record = bytes_ + used_;
    put(record, inode);
    put(record + 4, static_cast<std::uint16_t>(record_bytes(name.size())));
    record[6] = static_cast<char>(name.size());
    record[7] = static_cast<char>(type);
    std::memcpy(record + record_head, name.data(), name.size());
    last_ = used_;
    used_ += record_bytes(name.size());
  }
  // The last record is stretched to the tail.
  std::string_view finish() {
    put(bytes_ + last_ + 4, static_cast<std::uint16_t>(name_space - last_));
    ext2_dir_entry_tail tail{};
    tail.det_rec_len = tail_bytes;
    tail.det_reserved_name_len = EXT2_DIR_NAME_LEN_CSUM;
    std::memcpy(bytes_ + name_space, &tail, sizeof tail);
    return {bytes_, block_bytes};
  }

 private:
  char bytes_[block_bytes] = {};
  std::size_t used_ = 0;
  std::size_t last_ = 0;
};

struct IndexEntry {
  std::uint32_t hash;
  std::uint32_t block;
};

// The first entry needs no hash: its place holds the table's limit and count.
void put_index(char* at, std::size_t limit, const IndexEntry* entries, std::size_t count) {
  put(at, static_cast<std::uint16_t>(limit));
  put(at + 2, static_cast<std::uint16_t>(count));
  put(at + 4, entries[0].block);
  for (std::size_t i = 1; i < count; ++i) {
    put(at + i * index_entry_bytes, entries[i].hash);
    put(at + i * index_entry_bytes + 4, entries[i].block);
  }
}

std::string root_block(std::uint32_t self, std::uint32_t parent, bool has_nodes,
                       const std::vector<IndexEntry>& entries) {
  std::string block(block_bytes, '\0');
  put(block.data(), self);
  put(block.data() + 4, std::uint16_t{12});
  block[6] = 1;
  block[7] = EXT2_FT_DIR;
  block[8] = '.';
  put(block.data() + 12, parent);
  put(block.data() + 16, static_cast<std::uint16_t>(block_bytes - 12));
  block[18] = 2;
  block[19] = EXT2_FT_DIR;
  block[20] = block[21] = '.';
  block[28] = EXT2_HASH_HALF_MD4;
  block[29] = 8;  // length of the tree's header
  block[30] = has_nodes ? 1 : 0;
  put_index(block.data() + root_entries_at, root_limit, entries.data(), entries.size());
  return block;
}

std::string node_block(const IndexEntry* entries, std::size_t count) {
  std::string block(block_bytes, '\0');
  put(block.data() + 4, static_cast<std::uint16_t>(block_bytes));
  put_index(block.data() + node_entries_at, node_limit, entries, count);
  return block;
}

Result<void> hash_names(ext2_filsys fs, std::vector<Name>& names) {
  for (Name& name : names) {
    const errcode_t code =
        ext2fs_dirhash2(EXT2_HASH_HALF_MD4, name.text.data(), static_cast<int>(name.text.size()), nullptr, 0,
                        fs->super->s_hash_seed, &name.hash, &name.minor_hash);
    if (code != 0) return fail(ext2_error("hash a name", code));
  }
  std::ranges::sort(names, [](const Name& a, const Name& b) {
    return std::tie(a.hash, a.minor_hash, a.text) < std::tie(b.hash, b.minor_hash, b.text);
  });
  return {};
}

// Leaves follow the root and the nodes in the directory; a leaf that starts with the hash the one before
// ended with says so in the lowest bit.
std::string pack_leaves(const std::vector<Name>& names, std::vector<IndexEntry>& index) {
  std::string leaves;
  LeafBlock leaf;
  index.push_back({0, 0});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!leaf.has_room(names[i].text.size())) {
      leaves += leaf.finish();
      leaf = LeafBlock();
      const bool continues = names[i].hash == names[i - 1].hash;
      index.push_back({names[i].hash | (continues ? 1u : 0u), static_cast<std::uint32_t>(index.size())});
    }
    leaf.add(names[i].text, names[i].inode, names[i].type);
  }
  leaves += leaf.finish();
  return leaves;
}

// The blocks of a hashed tree: its root, its nodes, then the leaves.
struct IndexedBlocks {
  std::string bytes;
  std::size_t nodes = 0;
};

Result<IndexedBlocks> indexed_blocks(ext2_filsys fs, std::uint32_t self, std::uint32_t parent,
                                     std::vector<Name>& names) {
  BOXLITE_TRY(hash_names(fs, names));
  std::vector<IndexEntry> index;
  const std::string leaves = pack_leaves(names, index);
  const std::size_t nodes = index.size() <= root_limit ? 0 : (index.size() + node_limit - 1) / node_limit;
  if (nodes > root_limit)
    return fail(ErrorCode::resource_exhausted, "a directory holds too many names for ext4");
  for (IndexEntry& entry : index) entry.block += static_cast<std::uint32_t>(1 + nodes);
  if (nodes == 0) return IndexedBlocks{root_block(self, parent, false, index) + leaves, 0};
  std::vector<IndexEntry> top;
  std::string middle;
  for (std::size_t node = 0; node < nodes; ++node) {
    const std::size_t first = node * node_limit;
    top.push_back({index[first].hash, static_cast<std::uint32_t>(1 + node)});
    middle += node_block(&index[first], std::min(node_limit, index.size() - first));
  }
  return IndexedBlocks{root_block(self, parent, true, top) + middle + leaves, nodes};
}

void seal_tree(const BlockSeal& seal, IndexedBlocks& tree) {
  seal.index(tree.bytes.data(), root_entries_at);
  for (std::size_t block = 1; block * block_bytes < tree.bytes.size(); ++block) {
    char* at = tree.bytes.data() + block * block_bytes;
    if (block <= tree.nodes) {
      seal.index(at, node_entries_at);
    } else {
      seal.names(at);
    }
  }
}

}  // namespace

Result<DirectoryBlocks> directory_blocks(ext2_filsys fs, const Inode& directory,
                                         std::uint32_t parent_number) {
  std::vector<Name> names;
  names.reserve(directory.children.size());
  std::size_t total = record_bytes(1) + record_bytes(2);
  for (const auto& [name, link] : directory.children) {
    names.push_back({name, link.inode->number, type_of(*link.inode), 0, 0});
    total += record_bytes(name.size());
  }
  const BlockSeal seal(fs, directory.number);
  if (total > name_space) {
    auto tree = BOXLITE_TRY(indexed_blocks(fs, directory.number, parent_number, names));
    seal_tree(seal, tree);
    return DirectoryBlocks{std::move(tree.bytes), true};
  }
  LeafBlock only;
  only.add(".", directory.number, EXT2_FT_DIR);
  only.add("..", parent_number, EXT2_FT_DIR);
  for (const Name& name : names) only.add(name.text, name.inode, name.type);
  DirectoryBlocks blocks{std::string(only.finish()), false};
  seal.names(blocks.bytes.data());
  return blocks;
}

}  // namespace boxlite::disk
