// SPDX-License-Identifier: Apache-2.0
#include "file_listing.h"

#include <ctime>
#include <functional>
#include <stdexcept>
#include <vector>

#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/scope_exit.h"
#include "oci/digest.h"

namespace boxlite::tests {
namespace {

struct Facts {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::uint64_t links = 0;
  std::uint64_t inode = 0;
  std::string target;
  std::string content_hash;
  std::map<std::string, std::string> xattrs;
};

// Where the archive has no entry for a directory, or a whiteout changed it, umoci leaves the time of the
// unpacking.
constexpr std::string_view just_now = "mtime=just-now";

std::string without_time(const std::string& text) {
  const std::size_t start = text.find("mtime=");
  return text.substr(0, start) + text.substr(std::min(text.find(' ', start), text.size()));
}

bool is_same(const std::string& expected, const std::string& actual) {
  if (expected.find(just_now) == expected.npos) return expected == actual;
  return without_time(expected) == without_time(actual);
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("list files: " + what);
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char byte : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

// The first path seen of an inode stands for it.
std::string line(const std::string& path, const Facts& facts,
                 std::map<std::uint64_t, std::string>& first_names) {
  char mode[16];
  std::snprintf(mode, sizeof mode, "%06o", facts.mode);
  std::string text = concat(mode, " ", facts.uid, ":", facts.gid);
  const bool is_directory = S_ISDIR(facts.mode);
  if (S_ISREG(facts.mode)) text += concat(" size=", facts.size, " content=", facts.content_hash);
  if (S_ISCHR(facts.mode) || S_ISBLK(facts.mode))
    text += concat(" device=", facts.device_major, ":", facts.device_minor);
  if (S_ISLNK(facts.mode)) text += " -> " + facts.target;
  const bool is_new =
      is_directory && facts.seconds <= std::time(nullptr) && facts.seconds > std::time(nullptr) - 3600;
  text += is_new ? concat(" ", just_now) : concat(" mtime=", facts.seconds, ".", facts.nanoseconds);
  if (!is_directory && facts.links > 1) {
    text += concat(" links=", facts.links, " same=", first_names.emplace(facts.inode, path).first->second);
  }
  for (const auto& [name, value] : facts.xattrs) text += concat(" ", name, "=", hex(value));
  return text;
}

Facts host_facts(const std::string& path) {
  struct stat status{};
  require(::lstat(path.c_str(), &status) == 0, path);
  Facts facts;
  facts.mode = status.st_mode;
  facts.uid = status.st_uid;
  facts.gid = status.st_gid;
  facts.size = static_cast<std::uint64_t>(status.st_size);
  facts.device_major = major(status.st_rdev);
  facts.device_minor = minor(status.st_rdev);
  facts.seconds = status.st_mtim.tv_sec;
  facts.nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  facts.links = status.st_nlink;
  facts.inode = status.st_ino;
  std::vector<char> buffer(65536);
  if (S_ISLNK(status.st_mode)) {
    const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
    facts.target.assign(buffer.data(), static_cast<std::size_t>(size));
  }
  if (S_ISREG(status.st_mode)) {
    oci::Hasher hasher;
    const int fd = ::open(path.c_str(), O_RDONLY);
    require(fd >= 0, path);
    for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
      hasher.update({buffer.data(), static_cast<std::size_t>(got)});
    }
    ::close(fd);
    facts.content_hash = hasher.finish().short_hex();
  }
  const ssize_t length = ::llistxattr(path.c_str(), buffer.data(), buffer.size());
  const std::string names(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const std::string name = names.c_str() + at;
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), buffer.data(), buffer.size());
    if (size >= 0 && name != "security.selinux")
      facts.xattrs[name].assign(buffer.data(), static_cast<std::size_t>(size));
  }
  return facts;
}

void walk_directory(const std::string& root, const std::string& path, FileListing& out,
                    std::map<std::uint64_t, std::string>& first_names) {
  const Facts facts = host_facts(root + path);
  out[path] = line(path, facts, first_names);
  if (!S_ISDIR(facts.mode)) return;
  std::map<std::string, int> names;
  for (const auto& entry : std::filesystem::directory_iterator(root + path))
    names[entry.path().filename().native()];
  for (const auto& [name, unused] : names) walk_directory(root, path + "/" + name, out, first_names);
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
      oci::Hasher hasher;
      read(number, [&](std::string_view bytes) { hasher.update(bytes); });
      facts.content_hash = hasher.finish().short_hex();
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

FileListing list_directory(const std::filesystem::path& directory) {
  FileListing out;
  std::map<std::uint64_t, std::string> first_names;
  walk_directory(directory.native(), "", out, first_names);
  return out;
}

FileListing list_ext4(const std::filesystem::path& image) {
  FileListing out;
  Ext4Walk(image).walk(EXT2_ROOT_INO, "", out);
  return out;
}

std::string difference(const FileListing& expected, const FileListing& actual) {
  std::string out;
  for (const auto& [path, text] : expected) {
    const auto found = actual.find(path);
    if (found != actual.end() && is_same(text, found->second)) continue;
    out += concat("- ", in_quotes(path), " ", text.substr(0, 300), "\n");
    if (found != actual.end()) {
      out += concat("+ ", in_quotes(path), " ", found->second.substr(0, 300), "\n");
    }
  }
  for (const auto& [path, text] : actual) {
    if (!expected.contains(path)) out += concat("+ ", in_quotes(path), " ", text.substr(0, 300), "\n");
  }
  return out;
}

}  // namespace boxlite::tests
