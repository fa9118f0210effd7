// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/directories.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/result.h"
#include "fileserver/handlers/opening.h"

namespace boxlite::fileserver {
namespace {

constexpr std::size_t read_ahead = 32u << 10;

// linux_dirent64, whose name follows.
struct Entry {
  std::uint64_t inode;
  std::int64_t next;
  unsigned short length;
  unsigned char type;
};
constexpr std::size_t name_offset = offsetof(dirent64, d_name);

// The entries of an open directory from a position on, one after the other.
class Listing {
 public:
  Listing(OpenFiles& files, OpenFile& directory) : files_(files), directory_(directory) {}

  // False: there is none left.
  Answer<bool> go_to(std::uint64_t position) {
    if (position != directory_.position || directory_.entries.empty()) {
      if (::lseek(directory_.fd->get(), static_cast<off_t>(position), SEEK_SET) < 0) return refuse(errno);
      directory_.entries.clear();
      directory_.next_entry = 0;
      directory_.position = position;
    }
    return fill();
  }
  Entry entry() const {
    Entry entry;
    const auto* at = directory_.entries.data() + directory_.next_entry;
    std::memcpy(&entry.inode, at + offsetof(dirent64, d_ino), sizeof entry.inode);
    std::memcpy(&entry.next, at + offsetof(dirent64, d_off), sizeof entry.next);
    std::memcpy(&entry.length, at + offsetof(dirent64, d_reclen), sizeof entry.length);
    std::memcpy(&entry.type, at + offsetof(dirent64, d_type), sizeof entry.type);
    return entry;
  }
  std::string name() const { return directory_.entries.data() + directory_.next_entry + name_offset; }
  Answer<bool> advance() {
    const auto passed = entry();
    directory_.next_entry += passed.length;
    directory_.position = static_cast<std::uint64_t>(passed.next);
    return fill();
  }

 private:
  Answer<bool> fill() {
    if (directory_.next_entry < directory_.entries.size()) return true;
    files_.make_entries(directory_, read_ahead);
    directory_.next_entry = 0;
    const auto got =
        ::syscall(SYS_getdents64, directory_.fd->get(), directory_.entries.data(), directory_.entries.size());
    directory_.entries.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0) return refuse(errno);
    return got > 0;
  }

  OpenFiles& files_;
  OpenFile& directory_;
};

std::size_t padded(std::size_t size) {
  return (size + 7) & ~std::size_t{7};
}

void append_entry(std::string& out, const Entry& entry, std::uint64_t number, std::string_view name) {
  fuse_dirent header = {};
  header.ino = number;
  header.off = static_cast<std::uint64_t>(entry.next);
  header.namelen = static_cast<std::uint32_t>(name.size());
  header.type = entry.type;
  out.append(reinterpret_cast<const char*>(&header), FUSE_NAME_OFFSET);
  out.append(name);
  out.resize(padded(out.size()));
}

bool is_dots(std::string_view name) {
  return name == "." || name == "..";
}

// One that goes meanwhile is told by its name only.
fuse_entry_out entry_of(Session& session, Node& directory, int fd, const std::string& name) {
  if (is_dots(name)) return {};
  const auto found = session.tree().look(fd, name);
  if (!found) return {};
  return session.enter(directory, name, *found).value_or(fuse_entry_out());
}

class Reply {
 public:
  Reply(Session& session, const Request& request, bool has_attributes)
      : session_(session), request_(request), has_attributes_(has_attributes) {}

  Answer<void> collect(std::uint64_t from, std::size_t limit) {
    node_ = BOXLITE_TRY(session_.node(request_.node()));
    Listing listing(session_.files(), *file_);
    const auto status = BOXLITE_TRY(status_of(file_->fd->get()));
    auto has_more = BOXLITE_TRY(listing.go_to(from));
    while (has_more) {
      const auto name = listing.name();
      const auto size =
          padded((has_attributes_ ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET) + name.size());
      if (out_.size() + size > limit) break;
      add(listing.entry(), status, name);
      has_more = BOXLITE_TRY(listing.advance());
    }
    return {};
  }
  Answer<void> open(std::uint64_t file) {
    file_ = BOXLITE_TRY(session_.files().find(file, request_.node()));
    return {};
  }
  void send() { session_.channel().answer(request_.unique(), {out_}); }

 private:
  void add(Entry entry, const struct statx& status, const std::string& name) {
    auto number = session_.owners().number_of(status, entry.inode);
    if (has_attributes_) {
      const auto told = entry_of(session_, *node_, file_->fd->get(), name);
      if (told.nodeid != 0) {
        number = told.attr.ino;
        entry.type = static_cast<unsigned char>(IFTODT(told.attr.mode));
      }
      out_.append(bytes_of(told));
    } else if (entry.type == DT_REG) {
      entry.type = type_in_the_box(name);
    }
    append_entry(out_, entry, number, name);
  }

  // What is a special file in the box only is a regular one on the host.
  unsigned char type_in_the_box(const std::string& name) const {
    const auto& rules = session_.rules_of(*node_);
    if (!session_.owners().may_keep_types(rules)) return DT_REG;
    const auto found = session_.tree().look(file_->fd->get(), name);
    const mode_t type = found ? session_.owners().kept(*found, rules).mode & S_IFMT : 0;
    return static_cast<unsigned char>(IFTODT(type != 0 ? type : S_IFREG));
  }

  Session& session_;
  const Request& request_;
  bool has_attributes_;
  Node* node_ = nullptr;
  OpenFile* file_ = nullptr;
  std::string out_;
};

Answer<void> answer_entries(Session& session, Request& request, bool has_attributes) {
  const auto in = BOXLITE_TRY(request.take<fuse_read_in>());
  Reply reply(session, request, has_attributes);
  BOXLITE_TRY(reply.open(in.fh));
  BOXLITE_TRY(reply.collect(in.offset, std::min<std::size_t>(in.size, fuse::max_transfer)));
  reply.send();
  return {};
}

}  // namespace

Answer<void> open_directory(Session& session, Request& request) {
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto there = BOXLITE_TRY(session.tree().directory(*node));
  session.watch().cover(*node, there);
  UniqueFd fd(::openat(there->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return refuse(errno);
  const auto opened = BOXLITE_TRY(found_open(std::move(fd)));
  const auto* file = BOXLITE_TRY(session.files().add(*node, opened.fd));
  fuse_open_out out = {};
  out.fh = file->id;
  if (session.watch().covers(*node) && session.may_keep()) out.open_flags = FOPEN_CACHE_DIR;
  if (session.may_keep() && node->copy.is_of(version_of(opened.status))) out.open_flags |= FOPEN_KEEP_CACHE;
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> read_directory(Session& session, Request& request) {
  return answer_entries(session, request, false);
}

Answer<void> read_directory_plus(Session& session, Request& request) {
  return answer_entries(session, request, true);
}

}  // namespace boxlite::fileserver
