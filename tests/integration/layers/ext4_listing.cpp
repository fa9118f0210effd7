// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <stdexcept>
#include <vector>

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "file_facts.h"
#include "file_listing.h"

namespace boxlite::tests {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("list ext4: " + what);
}

class Ext4Walk {
 public:
  explicit Ext4Walk(const std::filesystem::path& image) {
    require(ext2fs_open(image.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs_) == 0, image.native());
  }
  Ext4Walk(const Ext4Walk&) = delete;
  Ext4Walk& operator=(const Ext4Walk&) = delete;
  ~Ext4Walk() { ext2fs_close_free(&fs_); }

  void walk(ext2_ino_t inode, const std::string& path, FileListing& out) {
    const Facts facts = facts_of(inode);
    out[path] = line(path, facts, first_names_);
    if (!S_ISDIR(facts.mode)) return;
    std::map<std::string, ext2_ino_t> names;
    const auto collect = [](ext2_dir_entry* entry, int, int, char*, void* out_names) {
      const std::string name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
      if (name != "." && name != "..")
        (*static_cast<std::map<std::string, ext2_ino_t>*>(out_names))[name] = entry->inode;
      return 0;
    };
    require(ext2fs_dir_iterate(fs_, inode, 0, nullptr, collect, &names) == 0, path);
    for (const auto& [name, child] : names) {
      walk(child, path + "/" + name, out);
    }
  }

 private:
  Facts facts_of(ext2_ino_t number) {
    ext2_inode_large inode{};
    require(ext2fs_read_inode_full(fs_, number, reinterpret_cast<ext2_inode*>(&inode), sizeof inode) == 0,
            "inode");
    Facts facts;
    facts.mode = inode.i_mode;
    facts.uid = inode.i_uid | static_cast<std::uint32_t>(inode.osd2.linux2.l_i_uid_high) << 16;
    facts.gid = inode.i_gid | static_cast<std::uint32_t>(inode.osd2.linux2.l_i_gid_high) << 16;
    facts.size = inode.i_size | static_cast<std::uint64_t>(inode.i_size_high) << 32;
    if (inode.i_block[0] != 0) {
      facts.device_major = inode.i_block[0] >> 8;
      facts.device_minor = inode.i_block[0] & 0xff;
    } else {
      facts.device_major = (inode.i_block[1] >> 8) & 0xfff;
      facts.device_minor = (inode.i_block[1] & 0xff) | ((inode.i_block[1] >> 12) & 0xfff00);
    }
    facts.seconds =
        static_cast<std::int32_t>(inode.i_mtime) + (static_cast<std::int64_t>(inode.i_mtime_extra & 3) << 32);
    facts.nanoseconds = inode.i_mtime_extra >> 2;
    facts.links = inode.i_links_count;
    facts.inode = number;
    if (S_ISLNK(facts.mode) && facts.size < 60) {
      facts.target.assign(reinterpret_cast<const char*>(inode.i_block), facts.size);
    } else if (S_ISLNK(facts.mode)) {
      read(number, [&](std::string_view bytes) { facts.target += bytes; });
    } else if (S_ISREG(facts.mode)) {
      ContentDigest digest;
      read(number, [&](std::string_view bytes) { digest.update(bytes); });
      facts.content_hash = digest.text();
    }
    add_xattrs(number, facts);
    return facts;
  }

  // Entries for "the owner", "others" and so on have no id on disk; the kernel shows -1, libext2fs 0.
  static void fill_acl_ids(std::string& acl) {
    for (std::size_t at = 4; at + 8 <= acl.size(); at += 8) {
      if (acl[at] != 2 && acl[at] != 8) acl.replace(at + 4, 4, 4, '\xff');
    }
  }

  void read(ext2_ino_t number, const std::function<void(std::string_view)>& sink) {
    ext2_file_t file = nullptr;
    require(ext2fs_file_open(fs_, number, 0, &file) == 0, "open");
    std::vector<char> buffer(65536);
    unsigned got = 0;
    do {
      require(ext2fs_file_read(file, buffer.data(), static_cast<unsigned>(buffer.size()), &got) == 0, "read");
      sink({buffer.data(), got});
    } while (got > 0);
    ext2fs_file_close(file);
  }

  void add_xattrs(ext2_ino_t number, Facts& facts) {
    ext2_xattr_handle* handle = nullptr;
    require(ext2fs_xattrs_open(fs_, number, &handle) == 0, "xattrs");
    require(ext2fs_xattrs_read(handle) == 0, "xattrs");
    std::vector<std::string> names;
    const auto collect = [](char* name, char*, size_t, void* out) {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
      return 0;
    };
    ext2fs_xattrs_iterate(handle, collect, &names);
    for (const std::string& name : names) {
      void* value = nullptr;
      std::size_t size = 0;
      require(ext2fs_xattr_get(handle, name.c_str(), &value, &size) == 0, name);
      facts.xattrs[name].assign(static_cast<const char*>(value), size);
      if (name.starts_with("system.posix_acl")) fill_acl_ids(facts.xattrs[name]);
      ext2fs_free_mem(&value);
    }
    ext2fs_xattrs_close(&handle);
  }

  ext2_filsys fs_ = nullptr;
  std::map<std::uint64_t, std::string> first_names_;
};

}  // namespace

FileListing list_ext4(const std::filesystem::path& image) {
  FileListing out;
  Ext4Walk(image).walk(EXT2_ROOT_INO, "", out);
  return out;
}

}  // namespace boxlite::tests
