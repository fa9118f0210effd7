// SPDX-License-Identifier: Apache-2.0
#include "file_listing.h"

#include <ctime>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "file_facts.h"

namespace boxlite::tests {
namespace {

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
    ContentDigest digest;
    const int fd = ::open(path.c_str(), O_RDONLY);
    require(fd >= 0, path);
    for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
      digest.update({buffer.data(), static_cast<std::size_t>(got)});
    }
    ::close(fd);
    facts.content_hash = digest.text();
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

}  // namespace

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

FileListing list_directory(const std::filesystem::path& directory, const std::string& below) {
  FileListing out;
  std::map<std::uint64_t, std::string> first_names;
  walk_directory(directory.native(), below, out, first_names);
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
