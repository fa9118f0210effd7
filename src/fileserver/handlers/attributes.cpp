// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/attributes.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/result.h"

namespace boxlite::fileserver {
namespace {

// fuse_setxattr_in as it is without FUSE_SETXATTR_EXT.
struct SetExtended {
  std::uint32_t size;
  std::uint32_t flags;
};
static_assert(sizeof(SetExtended) == FUSE_COMPAT_SETXATTR_IN_SIZE);

timespec time_of(bool is_set, bool is_now, std::uint64_t seconds, std::uint32_t nanoseconds) {
  if (!is_set) return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  if (is_now) return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
  return {.tv_sec = static_cast<time_t>(seconds),
          .tv_nsec = static_cast<long>(std::min<std::uint32_t>(nanoseconds, 999'999'999))};
}

Answer<void> change_times(const Found& found, const fuse_setattr_in& in) {
  const std::array times{
      time_of((in.valid & FATTR_ATIME) != 0, (in.valid & FATTR_ATIME_NOW) != 0, in.atime, in.atimensec),
      time_of((in.valid & FATTR_MTIME) != 0, (in.valid & FATTR_MTIME_NOW) != 0, in.mtime, in.mtimensec)};
  return answer_of(::utimensat(found.fd->get(), "", times.data(), AT_EMPTY_PATH));
}

Answer<void> change_size(Session& session, const Found& found, const fuse_setattr_in& in) {
  const auto size = static_cast<off_t>(in.size);
  // One that is open for writing is cut by that, whatever its mode says by now.
  if ((in.valid & FATTR_FH) != 0 && ::ftruncate(found.fd->get(), size) == 0) return {};
  return answer_of(::truncate(session.tree().path_of(found.fd->get()).c_str(), size));
}

Answer<void> change(Session& session, const Node& node, const Found& found, const fuse_setattr_in& in) {
  const auto& rules = session.rules_of(node);
  if ((in.valid & FATTR_MODE) != 0) BOXLITE_TRY(session.owners().change_mode(found, rules, in.mode));
  if ((in.valid & (FATTR_UID | FATTR_GID)) != 0) {
    const auto uid = (in.valid & FATTR_UID) != 0 ? std::optional(in.uid) : std::nullopt;
    const auto gid = (in.valid & FATTR_GID) != 0 ? std::optional(in.gid) : std::nullopt;
    BOXLITE_TRY(session.owners().change_owner(found, rules, uid, gid));
  }
  if ((in.valid & FATTR_SIZE) != 0) BOXLITE_TRY(change_size(session, found, in));
  if ((in.valid & FATTR_KILL_SUIDGID) != 0) BOXLITE_TRY(session.owners().drop_set_id(found, rules));
  if ((in.valid & (FATTR_ATIME | FATTR_MTIME)) != 0) return change_times(found, in);
  return {};
}

// The file's own attributes only: those of the system mean something to the host.
Answer<std::string> attribute_name(Request& request) {
  auto name = BOXLITE_TRY(request.take_text(XATTR_NAME_MAX));
  if (!name.starts_with("user.") || is_reserved_attribute(name)) return refuse(EOPNOTSUPP);
  return name;
}

Answer<std::string> path_of_node(Session& session, const Request& request, SharedFd& held) {
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto found = BOXLITE_TRY(session.find_to_change(*node));
  held = found.fd;
  return session.tree().path_of(held->get());
}

// Of size 0: the guest wants to know how large it is.
void answer_value(Session& session, const Request& request, std::uint32_t size, std::string_view value) {
  if (size == 0) {
    const fuse_getxattr_out out = {.size = static_cast<std::uint32_t>(value.size()), .padding = 0};
    session.channel().answer(request.unique(), {bytes_of(out)});
  } else if (value.size() > size) {
    session.channel().answer(request.unique(), ERANGE);
  } else {
    session.channel().answer(request.unique(), {value});
  }
}

std::string without_reserved(std::string_view names) {
  std::string kept;
  while (!names.empty()) {
    const auto end = std::min(names.find('\0'), names.size() - 1) + 1;
    const auto name = names.substr(0, end);
    if (name.starts_with("user.") && !is_reserved_attribute(name)) kept += name;
    names.remove_prefix(end);
  }
  return kept;
}

}  // namespace

Answer<void> get_attributes(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_getattr_in>());
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const bool is_open = (in.getattr_flags & FUSE_GETATTR_FH) != 0;
  auto found = BOXLITE_TRY(is_open ? session.find_open(*node, in.fh) : session.find(*node));
  BOXLITE_TRY(session.begin_to_hear(*node, found));
  const auto out = session.attributes(*node, found);
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> set_attributes(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_setattr_in>());
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const bool is_open = (in.valid & FATTR_FH) != 0;
  auto found = BOXLITE_TRY(is_open ? session.find_open(*node, in.fh) : session.find_to_change(*node));
  BOXLITE_TRY(change(session, *node, found, in));
  found.status = BOXLITE_TRY(status_of(found.fd->get()));
  const auto out = session.attributes(*node, found);
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> set_extended(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<SetExtended>());
  const auto name = BOXLITE_TRY(attribute_name(request));
  const auto value = BOXLITE_TRY(request.take_bytes(in.size));
  SharedFd held;
  const auto path = BOXLITE_TRY(path_of_node(session, request, held));
  BOXLITE_TRY(answer_of(
      ::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), static_cast<int>(in.flags))));
  session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> get_extended(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_getxattr_in>());
  const auto name = BOXLITE_TRY(attribute_name(request));
  SharedFd held;
  const auto path = BOXLITE_TRY(path_of_node(session, request, held));
  std::vector<char> value(XATTR_SIZE_MAX);
  const auto size = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
  if (size < 0) return refuse(errno);
  answer_value(session, request, in.size, {value.data(), static_cast<std::size_t>(size)});
  return {};
}

Answer<void> list_extended(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_getxattr_in>());
  SharedFd held;
  const auto path = BOXLITE_TRY(path_of_node(session, request, held));
  std::vector<char> names(XATTR_LIST_MAX);
  const auto size = ::listxattr(path.c_str(), names.data(), names.size());
  if (size < 0) return refuse(errno);
  answer_value(session, request, in.size, without_reserved({names.data(), static_cast<std::size_t>(size)}));
  return {};
}

Answer<void> remove_extended(Session& session, Request& request) {
  const auto name = BOXLITE_TRY(attribute_name(request));
  SharedFd held;
  const auto path = BOXLITE_TRY(path_of_node(session, request, held));
  BOXLITE_TRY(answer_of(::removexattr(path.c_str(), name.c_str())));
  session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> statistics(Session& session, Request& request) {
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto found = BOXLITE_TRY(session.find(*node));
  struct statvfs status = {};
  BOXLITE_TRY(answer_of(::fstatvfs(found.fd->get(), &status)));
  fuse_statfs_out out = {};
  out.st.blocks = status.f_blocks;
  out.st.bfree = status.f_bfree;
  out.st.bavail = status.f_bavail;
  out.st.files = status.f_files;
  out.st.ffree = status.f_ffree;
  out.st.bsize = static_cast<std::uint32_t>(status.f_bsize);
  out.st.frsize = static_cast<std::uint32_t>(status.f_frsize);
  out.st.namelen = static_cast<std::uint32_t>(status.f_namemax);
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

}  // namespace boxlite::fileserver
