// SPDX-License-Identifier: Apache-2.0
#include "fuse/rehearsal.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "fuse/agreement.h"
#include "fuse/messages.h"
#include "wire/folder_orders.h"

namespace boxlite::fuse {
namespace {

constexpr std::uint64_t file_id = 2;
constexpr std::uint64_t made_id = 3;
constexpr std::string_view file_name = "file";  // its zero follows
constexpr std::string_view content = "some bytes\n";
// No name, and no attribute, is asked for twice.
constexpr std::uint64_t for_ever = ~std::uint64_t{0} >> 1;

fuse_attr attributes_of(std::uint64_t id) {
  fuse_attr attributes = {};
  attributes.ino = id;
  attributes.mode = id == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
  attributes.nlink = 1;
  attributes.size = id == file_id ? content.size() : 0;
  attributes.blksize = 4096;
  return attributes;
}

fuse_entry_out entry_of(std::uint64_t id) {
  fuse_entry_out out = {};
  out.nodeid = id;
  out.entry_valid = out.attr_valid = for_ever;
  out.attr = attributes_of(id);
  return out;
}

std::string directory(std::uint64_t offset) {
  if (offset != 0) return {};
  fuse_direntplus out = {};
  out.entry_out = entry_of(file_id);
  out.dirent.ino = file_id;
  out.dirent.off = 1;
  out.dirent.namelen = file_name.size();
  out.dirent.type = DT_REG;
  std::string bytes(reinterpret_cast<const char*>(&out), FUSE_NAME_OFFSET_DIRENTPLUS);
  bytes += file_name;
  bytes.resize(FUSE_DIRENTPLUS_SIZE(&out));
  return bytes;
}

template <typename T>
T body_of(std::string_view message) {
  T body = {};
  message.remove_prefix(sizeof(fuse_in_header));
  std::memcpy(&body, message.data(), std::min(message.size(), sizeof body));
  return body;
}

template <typename T>
std::string text_of(const T& value) {
  return std::string(bytes_of(value));
}

struct Reply {
  int error = 0;
  std::string body;
};

Reply written(std::uint64_t id, const fuse_write_in& in) {
  fuse_write_out out = {};
  out.size = in.size;
  if ((in.write_flags & write_asks_attr) == 0) return {.body = text_of(out)};
  fuse_attr_out attributes = {};
  attributes.attr_valid = for_ever;
  attributes.attr = attributes_of(id);
  attributes.attr.size = in.offset + in.size;
  return {.body = text_of(out) + text_of(attributes)};
}

Reply reply_to(const fuse_in_header& header, std::string_view message) {
  switch (header.opcode) {
    case FUSE_INIT: {
      const auto agreed = agree(body_of<fuse_init_in>(message));
      return agreed ? Reply{.body = text_of(*agreed)} : Reply{.error = -EPROTO, .body = {}};
    }
    case FUSE_LOOKUP: {
      const auto name = message.substr(sizeof header);
      if (name != std::string_view(file_name.data(), file_name.size() + 1))
        return {.error = -ENOENT, .body = {}};
      return {.body = text_of(entry_of(file_id))};
    }
    case FUSE_GETATTR: {
      fuse_attr_out out = {};
      out.attr_valid = for_ever;
      out.attr = attributes_of(header.nodeid);
      return {.body = text_of(out)};
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: return {.body = text_of(fuse_open_out{})};
    case FUSE_CREATE: return {.body = text_of(entry_of(made_id)) + text_of(fuse_open_out{})};
    case FUSE_READ: return {.body = std::string(body_of<fuse_read_in>(message).offset == 0 ? content : "")};
    case FUSE_READDIRPLUS: return {.body = directory(body_of<fuse_read_in>(message).offset)};
    case FUSE_WRITE: return written(header.nodeid, body_of<fuse_write_in>(message));
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_UNLINK: return {};
    default: return {.error = -ENOSYS, .body = {}};
  }
}

bool is_answered(std::uint32_t opcode, std::string_view message) {
  if (opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR)
    return (body_of<fuse_release_in>(message).release_flags & release_unanswered) == 0;
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
         opcode < wire::first_folder_order;
}

Result<void> answer(int stream_fd, std::string_view message) {
  fuse_in_header header;
  std::memcpy(&header, message.data(), sizeof header);
  if (!is_answered(header.opcode, message)) return {};
  const auto reply = reply_to(header, message);
  fuse_out_header out = {};
  out.len = static_cast<std::uint32_t>(sizeof out + reply.body.size());
  out.error = reply.error;
  out.unique = header.unique;
  return write_all(stream_fd, text_of(out) + reply.body, "folders");
}

}  // namespace

void serve_one_file(int stream_fd) {
  MessageReader requests(sizeof(fuse_in_header));
  while (requests.fill(stream_fd).value_or(false)) {
    while (const auto message = requests.next()) {
      if (!answer(stream_fd, *message)) return;
    }
  }
}

void use_one_file(const std::filesystem::path& root) {
  const auto path = root / file_name;
  (void)entries_of(root);
  (void)read_file(path, content.size());
  (void)::unlink(path.c_str());
  const UniqueFd made(::open((root / "new").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (made.is_open()) (void)write_all(made.get(), content, "rehearsal");
}

}  // namespace boxlite::fuse
