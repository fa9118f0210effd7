// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/names.h"

#include <array>
#include <climits>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"
#include "fileserver/handlers/opening.h"
#include "fuse/agreement.h"

namespace boxlite::fileserver {
namespace {

// Where something new is to appear.
struct Site {
  Node* directory;
  SharedFd fd;
  std::string name;
};

Answer<Site> site_of(Session& session, std::uint64_t directory_id, std::string name) {
  auto* directory = BOXLITE_TRY(session.node(directory_id));
  auto fd = BOXLITE_TRY(session.tree().directory(*directory));
  session.watch().cover(*directory, fd);
  return Site{directory, std::move(fd), std::move(name)};
}

Answer<Site> next_site(Session& session, Request& request) {
  auto name = BOXLITE_TRY(request.take_name());
  return site_of(session, request.node(), std::move(name));
}

// What was just made in a directory becomes that of the user who asked; its group that of the directory,
// where that has the set-group-id bit, which new directories inherit.
void adopt_new(Session& session, const Site& site, const Request& request, const Found& found) {
  const auto& rules = session.rules_of(*site.directory);
  auto& owners = session.owners();
  auto group = request.header().gid;
  const auto status = status_of(site.fd->get());
  const auto above = status ? owners.present({site.fd, *status}, rules) : fuse_attr();
  if ((above.mode & S_ISGID) != 0) group = above.gid;
  owners.adopt(found, rules, request.header().uid, group);
  if ((above.mode & S_ISGID) != 0 && S_ISDIR(found.status.stx_mode))
    (void)owners.change_mode(found, rules, (found.status.stx_mode & 01777u) | S_ISGID);
}

Answer<fuse_entry_out> enter_heard(Session& session, const Site& site, Found found) {
  auto entry = BOXLITE_TRY(session.enter(*site.directory, site.name, found));
  auto* node = BOXLITE_TRY(session.node(entry.nodeid));
  const bool is_found_anew = BOXLITE_TRY(session.begin_to_hear(*node, found));
  if (!is_found_anew) return entry;
  const auto attributes = session.attributes(*node, found);
  entry.attr = attributes.attr;
  entry.attr_valid = attributes.attr_valid;
  return entry;
}

Answer<fuse_entry_out> enter_new(Session& session, const Site& site, const Request& request) {
  auto found = BOXLITE_TRY(session.tree().look(site.fd->get(), site.name));
  adopt_new(session, site, request, found);
  found.status = BOXLITE_TRY(status_of(found.fd->get()));
  session.watch().expect(*site.directory, site.name, IN_CREATE);
  return enter_heard(session, site, found);
}

Answer<void> answer_new(Session& session, const Site& site, const Request& request) {
  const auto entry = BOXLITE_TRY(enter_new(session, site, request));
  session.channel().answer(request.unique(), {bytes_of(entry)});
  return {};
}

// Nothing has come into the new directory since it is heard what does.
bool stays_known_to_be_empty(Session& session, std::uint64_t directory) {
  auto* node = session.nodes().find(directory);
  if (node == nullptr || !session.hears_names_in(*node)) return false;
  const auto found = session.tree().find(*node);
  std::error_code failed;
  return found && std::filesystem::is_empty(session.tree().path_of(found->fd->get()), failed);
}

// A device, fifo or socket that exists for the box only: a file of the host that says so.
Answer<void> make_kept_special(Session& session, const Site& site, const fuse_mknod_in& in) {
  const UniqueFd made(::openat(site.fd->get(), site.name.c_str(),
                               O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, in.mode & 0777));
  if (!made.is_open()) return refuse(errno);
  const auto found = BOXLITE_TRY(session.tree().look(site.fd->get(), site.name));
  const auto kept = session.owners().keep(found, {.mode = in.mode & S_IFMT, .device = in.rdev});
  // A regular file would stay in its place.
  if (!kept) (void)::unlinkat(site.fd->get(), site.name.c_str(), 0);
  return kept;
}

Answer<void> make_real_special(const Site& site, const fuse_mknod_in& in) {
  return answer_of(::mknodat(site.fd->get(), site.name.c_str(), in.mode & (S_IFMT | 01777u), 0));
}

// The host's fifos and sockets have no attributes that an owner could be kept in.
Answer<void> make_meeting_place(Session& session, const Site& site, const Request& request,
                                const fuse_mknod_in& in) {
  const auto& rules = session.rules_of(*site.directory);
  if (!session.owners().keeps_beside(rules, request.header().uid, request.header().gid))
    return make_real_special(site, in);
  const auto made = make_kept_special(session, site, in);
  return !made && made.error() == ENOTSUP ? make_real_special(site, in) : made;
}

Answer<void> make_special(Session& session, const Site& site, const Request& request,
                          const fuse_mknod_in& in) {
  switch (in.mode & S_IFMT) {
    case S_IFREG: return make_real_special(site, in);
    case S_IFIFO:
    case S_IFSOCK: return make_meeting_place(session, site, request, in);
    case S_IFCHR:
    case S_IFBLK:
      if (session.rules_of(*site.directory).is_volume) return make_kept_special(session, site, in);
      return refuse(EPERM);
    default: return refuse(EINVAL);
  }
}

// Others may have it open as well, and the guest was told to rely on the directory.
void lose_name(Session& session, const Place& place) {
  auto* file = session.nodes().child(place.parent, place.name);
  if (file != nullptr && file->type == S_IFREG && NodeTable::is_open(*file))
    session.watch().hear_of_open(*file);
  session.nodes().remove(place);
}

Answer<void> remove(Session& session, Request& request, int flags) {
  const auto site = BOXLITE_TRY(next_site(session, request));
  BOXLITE_TRY(answer_of(::unlinkat(site.fd->get(), site.name.c_str(), flags)));
  session.watch().expect(*site.directory, site.name, IN_DELETE);
  lose_name(session, {site.directory->id, site.name});
  session.channel().answer(request.unique(), {});
  return {};
}

Answer<void> move(Session& session, Request& request, std::uint64_t new_directory, unsigned flags) {
  auto from_name = BOXLITE_TRY(request.take_name());
  auto to_name = BOXLITE_TRY(request.take_name());
  const auto from = BOXLITE_TRY(site_of(session, request.node(), std::move(from_name)));
  const auto to = BOXLITE_TRY(site_of(session, new_directory, std::move(to_name)));
  BOXLITE_TRY(
      answer_of(::renameat2(from.fd->get(), from.name.c_str(), to.fd->get(), to.name.c_str(), flags)));
  session.watch().expect(*from.directory, from.name, IN_MOVED_FROM);
  session.watch().expect(*to.directory, to.name, IN_MOVED_TO);
  if ((flags & RENAME_EXCHANGE) != 0) {
    session.watch().expect(*to.directory, to.name, IN_MOVED_FROM);
    session.watch().expect(*from.directory, from.name, IN_MOVED_TO);
    session.nodes().exchange({from.directory->id, from.name}, {to.directory->id, to.name});
    session.watch().check_name({from.directory->id, from.name});
  } else {
    if (session.nodes().child(to.directory->id, to.name) !=
        session.nodes().child(from.directory->id, from.name))
      lose_name(session, {to.directory->id, to.name});
    session.nodes().move({from.directory->id, from.name}, {to.directory->id, to.name});
  }
  session.watch().check_name({to.directory->id, to.name});
  session.channel().answer(request.unique(), {});
  return {};
}

// Nothing but a regular file: whoever waits at the other end of a fifo would see it opened. The guest's
// kernel looks anything else up then, and opens it as what it is.
Answer<Found> open_existing(const HostTree& tree, const Site& site, int flags) {
  const auto there = BOXLITE_TRY(tree.look(site.fd->get(), site.name));
  if (!S_ISREG(there.status.stx_mode)) return refuse(ESTALE);
  auto fd = BOXLITE_TRY(tree.reopen(there.fd->get(), flags));
  return found_open(std::move(fd));
}

// The file itself, opened: created, or found there already where that is allowed.
Answer<Found> open_or_create(const HostTree& tree, const Site& site, const fuse_create_in& in, bool& is_new) {
  const int flags = host_open_flags(in.flags);
  UniqueFd fd(
      ::openat(site.fd->get(), site.name.c_str(), flags | O_NOFOLLOW | O_CREAT | O_EXCL, in.mode & 01777u));
  is_new = fd.is_open();
  if (is_new) return found_open(std::move(fd));
  if (errno != EEXIST || (in.flags & O_EXCL) != 0) return refuse(errno);
  return open_existing(tree, site, flags);
}

void answer_created(Session& session, const Request& request, const fuse_entry_out& entry,
                    const fuse_open_out& open) {
  session.channel().answer(request.unique(), {bytes_of(entry), bytes_of(open)});
}

}  // namespace

Answer<void> look_up(Session& session, Request& request) {
  const auto site = BOXLITE_TRY(next_site(session, request));
  const auto found = session.tree().look(site.fd->get(), site.name);
  if (!found && found.error() != ENOENT) return refuse(found.error());
  // What is repeated was done some time ago: the name may be in what comes next, though it is gone by now.
  const bool may_come = session.echoes().is_of_repeater(request);
  const auto entry = found      ? enter_heard(session, site, *found)
                     : may_come ? fuse_entry_out{}
                                : session.nothing_there(*site.directory, site.name);
  if (!found) session.nodes().remove({site.directory->id, site.name});
  if (!entry) return refuse(entry.error());
  if (auto* node = session.nodes().find(entry->nodeid); node != nullptr) node->copy.look_up();
  session.channel().answer(request.unique(), {bytes_of(*entry)});
  return {};
}

Answer<void> make_node(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_mknod_in>());
  const auto site = BOXLITE_TRY(next_site(session, request));
  BOXLITE_TRY(make_special(session, site, request, in));
  return answer_new(session, site, request);
}

Answer<void> make_directory(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_mkdir_in>());
  const auto site = BOXLITE_TRY(next_site(session, request));
  BOXLITE_TRY(answer_of(::mkdirat(site.fd->get(), site.name.c_str(), in.mode & 01777u)));
  auto entry = BOXLITE_TRY(enter_new(session, site, request));
  if (stays_known_to_be_empty(session, entry.nodeid)) entry.attr.flags |= fuse::attr_is_empty;
  session.channel().answer(request.unique(), {bytes_of(entry)});
  return {};
}

Answer<void> make_symlink(Session& session, Request& request) {
  const auto site = BOXLITE_TRY(next_site(session, request));
  const auto target = BOXLITE_TRY(request.take_text(PATH_MAX - 1));
  BOXLITE_TRY(answer_of(::symlinkat(target.c_str(), site.fd->get(), site.name.c_str())));
  return answer_new(session, site, request);
}

Answer<void> make_link(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_link_in>());
  const auto site = BOXLITE_TRY(next_site(session, request));
  auto* node = BOXLITE_TRY(session.node(in.oldnodeid));
  const auto source = BOXLITE_TRY(session.tree().find(*node));
  // A descriptor itself needs a capability; its name in /proc does not.
  const auto path = session.tree().path_of(source.fd->get());
  BOXLITE_TRY(
      answer_of(::linkat(AT_FDCWD, path.c_str(), site.fd->get(), site.name.c_str(), AT_SYMLINK_FOLLOW)));
  session.watch().expect(*site.directory, site.name, IN_CREATE);
  const auto found = BOXLITE_TRY(session.tree().look(site.fd->get(), site.name));
  const auto entry = BOXLITE_TRY(session.enter(*site.directory, site.name, found));
  session.channel().answer(request.unique(), {bytes_of(entry)});
  return {};
}

Answer<void> create_file(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_create_in>());
  const auto site = BOXLITE_TRY(next_site(session, request));
  if (session.files().is_full()) return refuse(EMFILE);
  bool is_new = false;
  auto found = BOXLITE_TRY(open_or_create(session.tree(), site, in, is_new));
  if (is_new) {
    adopt_new(session, site, request, found);
    session.watch().expect(*site.directory, site.name, IN_CREATE);
    found.status = BOXLITE_TRY(status_of(found.fd->get()));
  } else if ((in.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0) {
    BOXLITE_TRY(session.owners().drop_set_id(found, session.rules_of(*site.directory)));
  }
  const auto entry = BOXLITE_TRY(session.enter(*site.directory, site.name, found));
  auto* node = BOXLITE_TRY(session.node(entry.nodeid));
  const auto open = BOXLITE_TRY(take_in(session, *node, found, in.flags));
  answer_created(session, request, entry, open);
  return {};
}

Answer<void> create_nameless_file(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_create_in>());
  auto* directory = BOXLITE_TRY(session.node(request.node()));
  const auto there = BOXLITE_TRY(session.tree().directory(*directory));
  if (session.files().is_full()) return refuse(EMFILE);
  const int flags = (host_open_flags(in.flags) & ~O_CREAT) | O_TMPFILE;
  UniqueFd fd(::openat(there->get(), ".", flags, in.mode & 01777u));
  if (!fd.is_open()) return refuse(errno);
  auto found = BOXLITE_TRY(found_open(std::move(fd)));
  auto* node = BOXLITE_TRY(session.nodes().enter(identity_of(found.status), S_IFREG));
  node->rules = directory->rules;
  const auto open = BOXLITE_TRY(take_in(session, *node, found, in.flags));
  session.owners().adopt(found, session.rules_of(*node), request.header().uid, request.header().gid);
  found.status = BOXLITE_TRY(status_of(found.fd->get()));
  const auto attributes = session.attributes(*node, found);
  fuse_entry_out entry = {};
  entry.nodeid = node->id;
  entry.attr = attributes.attr;
  answer_created(session, request, entry, open);
  return {};
}

Answer<void> remove_file(Session& session, Request& request) {
  return remove(session, request, 0);
}

Answer<void> remove_directory(Session& session, Request& request) {
  return remove(session, request, AT_REMOVEDIR);
}

Answer<void> rename(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_rename_in>());
  return move(session, request, in.newdir, 0);
}

Answer<void> rename_with_flags(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_rename2_in>());
  // A whiteout is a device.
  if ((in.flags & ~static_cast<unsigned>(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) return refuse(EINVAL);
  return move(session, request, in.newdir, in.flags);
}

Answer<void> read_link(Session& session, Request& request) {
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto found = BOXLITE_TRY(session.tree().find(*node));
  std::array<char, PATH_MAX> target{};
  ssize_t size = -1;
  if (S_ISLNK(found.status.stx_mode)) {
    size = ::readlinkat(found.fd->get(), "", target.data(), target.size());
  } else if ((session.owners().kept(found, session.rules_of(*node)).mode & S_IFMT) == S_IFLNK) {
    // As QEMU's 9p server wrote symlinks on volumes.
    const auto fd = BOXLITE_TRY(session.tree().reopen(found.fd->get(), O_RDONLY | O_NONBLOCK));
    size = ::pread(fd.get(), target.data(), target.size(), 0);
  } else {
    return refuse(EINVAL);
  }
  if (size < 0) return refuse(errno);
  session.channel().answer(request.unique(),
                           {std::string_view(target.data(), static_cast<std::size_t>(size))});
  return {};
}

void forget(Session& session, Request& request) {
  if (const auto in = request.take<fuse_forget_in>()) session.nodes().forget(request.node(), in->nlookup);
}

void forget_many(Session& session, Request& request) {
  const auto in = request.take<fuse_batch_forget_in>();
  if (!in) return;
  for (std::uint32_t i = 0; i < in->count; ++i) {
    const auto one = request.take<fuse_forget_one>();
    if (!one) return;
    session.nodes().forget(one->nodeid, one->nlookup);
  }
}

}  // namespace boxlite::fileserver
