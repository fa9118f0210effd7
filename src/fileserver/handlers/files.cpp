// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/files.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/result.h"
#include "fileserver/handlers/opening.h"
#include "fuse/agreement.h"

namespace boxlite::fileserver {
namespace {

// More in one request would keep a worker for too long; the guest asks again for the rest.
constexpr std::uint64_t max_copied = 64u << 20;

// Notes what a change of ours has made of the file, and tells the guest where it was not the only one.
class OwnChange {
 public:
  OwnChange(Session& session, Node& node, int fd) : session_(session), node_(node), fd_(fd) {
    const auto before = status_of(fd_);
    was_known_ = before && node_.copy.is_of(version_of(*before));
    if (before) size_before_ = before->stx_size;
  }
  void done() { note({}); }
  // What was written ends at `end`. A file that is longer than that makes it was written by others as well.
  void done(std::uint64_t end, bool appends) { note(appends ? end : std::max(end, size_before_)); }

 private:
  void note(std::optional<std::uint64_t> expected_size) {
    const auto after = status_of(fd_);
    if (!after) return;
    node_.copy.make(version_of(*after), was_known_);
    if (!was_known_ || after->stx_size != expected_size.value_or(after->stx_size)) session_.invalidate(node_);
  }

  Session& session_;
  Node& node_;
  int fd_;
  std::uint64_t size_before_ = 0;
  bool was_known_ = false;
};

// What is written by whom may not have the rights of the file's owner. The guest's kernel takes the bits for
// what they were until it is told.
Answer<void> drop_set_id(Session& session, Node& node, const SharedFd& fd) {
  const auto status = BOXLITE_TRY(status_of(fd->get()));
  if (BOXLITE_TRY(session.owners().drop_set_id({fd, status}, session.rules_of(node))))
    session.invalidate(node);
  return {};
}

// Whether it appends is said by each write, as programs change their minds (F_SETFL).
ssize_t write_at(int fd, std::string_view data, std::uint64_t offset, bool appends) {
  const iovec vector = {const_cast<char*>(data.data()), data.size()};
  return ::pwritev2(fd, &vector, 1, static_cast<off_t>(offset), appends ? RWF_APPEND : 0);
}

}  // namespace

int host_open_flags(std::uint32_t guest_flags) {
  constexpr std::uint32_t kept = O_ACCMODE | O_TRUNC | O_DSYNC | O_SYNC;
  return static_cast<int>(guest_flags & kept) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
}

Answer<Found> found_open(UniqueFd fd) {
  const auto status = BOXLITE_TRY(status_of(fd.get()));
  return Found{std::make_shared<const UniqueFd>(std::move(fd)), status};
}

Answer<fuse_open_out> take_in(Session& session, Node& node, const Found& found, std::uint32_t guest_flags) {
  const auto version = version_of(found.status);
  const bool appends = (guest_flags & O_APPEND) != 0 && (guest_flags & O_ACCMODE) != O_RDONLY;
  const auto* file = BOXLITE_TRY(session.files().add(node, found.fd));
  fuse_open_out out = {};
  out.fh = file->id;
  // The guest would put what is appended where it believes the end to be.
  if (appends || !session.may_keep()) out.open_flags = FOPEN_DIRECT_IO;
  // What is opened shows what the file is by now.
  else if (node.copy.is_of(version))
    out.open_flags = FOPEN_KEEP_CACHE;
  if ((guest_flags & O_TRUNC) != 0) node.copy.empty(version);
  return out;
}

Answer<void> open_node(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_open_in>());
  auto* node = BOXLITE_TRY(session.node(request.node()));
  if (node->type != S_IFREG) return refuse(node->type == S_IFDIR ? EISDIR : ENXIO);
  if (session.files().is_full()) return refuse(EMFILE);
  if (session.postponed_opens().postpone(request, node->copy.last_notice())) return {};
  // It was asked for by a name that was this file's, and was not any more before the guest had forgotten it.
  if (session.postponed_opens().is_going_on() && node->places.empty()) return refuse(ESTALE);
  const auto found = BOXLITE_TRY(session.find_to_change(*node));
  // The guest's kernel looks the name up then, learns of the new size, and comes again.
  const bool can_change_unseen = !session.hears_all_of(*node, found.status);
  if (!node->copy.may_open(version_of(found.status), can_change_unseen)) return refuse(ESTALE);
  auto fd = BOXLITE_TRY(session.tree().reopen(found.fd->get(), host_open_flags(in.flags)));
  const auto opened = BOXLITE_TRY(found_open(std::move(fd)));
  if ((in.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0) BOXLITE_TRY(drop_set_id(session, *node, opened.fd));
  const auto out = BOXLITE_TRY(take_in(session, *node, opened, in.flags));
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> read_file(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_read_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  auto& buffer = session.transfer_buffer();
  const auto wanted = std::min<std::size_t>(in.size, fuse::max_transfer);
  if (buffer.size() < wanted) buffer.resize(wanted);
  const auto got = ::pread(file->fd->get(), buffer.data(), wanted, static_cast<off_t>(in.offset));
  if (got < 0) return refuse(errno);
  session.channel().answer(request.unique(),
                           {std::string_view(buffer.data(), static_cast<std::size_t>(got))});
  return {};
}

Answer<void> write_file(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_write_in>());
  const auto data = BOXLITE_TRY(request.take_bytes(in.size));
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  OwnChange change(session, *node, file->fd->get());
  const bool appends = (in.flags & O_APPEND) != 0;
  const auto written = write_at(file->fd->get(), data, in.offset, appends);
  if (written < 0) return refuse(errno);
  change.done(in.offset + static_cast<std::uint64_t>(written), appends);
  if ((in.write_flags & FUSE_WRITE_KILL_SUIDGID) != 0) BOXLITE_TRY(drop_set_id(session, *node, file->fd));
  const fuse_write_out out = {.size = static_cast<std::uint32_t>(written), .padding = 0};
  if ((in.write_flags & fuse::write_asks_attr) == 0) {
    session.channel().answer(request.unique(), {bytes_of(out)});
    return {};
  }
  const auto status = BOXLITE_TRY(status_of(file->fd->get()));
  const auto attributes = session.attributes(*node, {file->fd, status});
  session.channel().answer(request.unique(), {bytes_of(out), bytes_of(attributes)});
  return {};
}

Answer<void> flush(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_flush_in>());
  session.locks().release(request.node(), in.lock_owner);
  session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> release(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_release_in>());
  const bool is_answered = (in.release_flags & fuse::release_unanswered) == 0;
  if (!session.files().has(in.fh, request.node())) return is_answered ? refuse(EBADF) : Answer<void>();
  session.files().close(in.fh);
  session.locks().release_file(request.node(), in.fh);
  if (auto* node = session.nodes().find(request.node()); node != nullptr)
    session.nodes().drop_if_unused(*node);
  if (is_answered) session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> synchronize(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_fsync_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  const bool is_data_only = (in.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0;
  session.workers().run(
      [&channel = session.channel(), fd = file->fd, unique = request.unique(), is_data_only] {
        const int result = is_data_only ? ::fdatasync(fd->get()) : ::fsync(fd->get());
        channel.answer(unique, result == 0 ? 0 : errno);
      });
  return {};
}

Answer<void> allocate(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_fallocate_in>());
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  OwnChange change(session, *node, file->fd->get());
  BOXLITE_TRY(answer_of(::fallocate(file->fd->get(), static_cast<int>(in.mode), static_cast<off_t>(in.offset),
                                    static_cast<off_t>(in.length))));
  change.done();
  if (request.header().uid != 0) BOXLITE_TRY(drop_set_id(session, *node, file->fd));
  session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> seek(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_lseek_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE) return refuse(EINVAL);
  const auto place = ::lseek(file->fd->get(), static_cast<off_t>(in.offset), static_cast<int>(in.whence));
  if (place < 0) return refuse(errno);
  const fuse_lseek_out out = {.offset = static_cast<std::uint64_t>(place)};
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> copy_range(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_copy_file_range_in>());
  if (in.flags != 0) return refuse(EINVAL);
  const auto* from = BOXLITE_TRY(session.files().find(in.fh_in, request.node()));
  const auto* to = BOXLITE_TRY(session.files().find(in.fh_out, in.nodeid_out));
  auto* node = BOXLITE_TRY(session.node(in.nodeid_out));
  OwnChange change(session, *node, to->fd->get());
  auto from_offset = static_cast<off_t>(in.off_in);
  auto to_offset = static_cast<off_t>(in.off_out);
  const auto copied = ::copy_file_range(from->fd->get(), &from_offset, to->fd->get(), &to_offset,
                                        static_cast<std::size_t>(std::min(in.len, max_copied)), 0);
  if (copied < 0) return refuse(errno);
  change.done();
  if (request.header().uid != 0) BOXLITE_TRY(drop_set_id(session, *node, to->fd));
  const fuse_write_out out = {.size = static_cast<std::uint32_t>(copied), .padding = 0};
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

}  // namespace boxlite::fileserver
