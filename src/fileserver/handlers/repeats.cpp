// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/repeats.h"

#include <sys/stat.h>

#include "base/result.h"

namespace boxlite::fileserver {
namespace {

using wire::HostChange;

bool is_creation(HostChange change) {
  return change == HostChange::created || change == HostChange::created_directory ||
         change == HostChange::created_symlink;
}

bool is_deletion(HostChange change) {
  return change == HostChange::deleted || change == HostChange::deleted_directory;
}

Answer<bool> answered(Session& session, const Request& request, const fuse_entry_out& entry) {
  session.channel().answer(request.unique(), {bytes_of(entry)});
  return true;
}

// What lies there by now.
Answer<fuse_entry_out> entry_at(Session& session, const Place& place) {
  auto* directory = BOXLITE_TRY(session.node(place.parent));
  const auto there = BOXLITE_TRY(session.tree().directory(*directory));
  const auto found = BOXLITE_TRY(session.tree().look(there->get(), place.name));
  return session.enter(*directory, place.name, found);
}

// Of a file that the guest never knew, to be deleted by it.
Answer<fuse_entry_out> ghost(Session& session, bool is_directory) {
  const mode_t type = is_directory ? S_IFDIR : S_IFREG;
  const auto* node = BOXLITE_TRY(session.nodes().enter_ghost(type));
  fuse_entry_out entry = {};
  entry.nodeid = node->id;
  entry.attr.mode = type | 0700;
  entry.attr.nlink = 1;
  entry.attr.blksize = 4096;
  return entry;
}

Answer<bool> repeat_lookup(Session& session, const Echoes::Echo& echo, Request& request) {
  const auto name = BOXLITE_TRY(request.take_name());
  const Place asked{request.node(), name};
  if (is_creation(echo.change) && asked == echo.place) return answered(session, request, {});
  if (is_deletion(echo.change) && asked == echo.place)
    return answered(session, request,
                    BOXLITE_TRY(ghost(session, echo.change == HostChange::deleted_directory)));
  if (echo.change != HostChange::moved) return false;
  if (asked == echo.target) return answered(session, request, {});
  if (asked != echo.place) return false;
  // For this once: by now another file may have the name that this gets.
  const auto there = entry_at(session, echo.target);
  auto entry = there ? *there : BOXLITE_TRY(ghost(session, false));
  entry.entry_valid = 0;
  return answered(session, request, entry);
}

template <typename Before>
Answer<bool> repeat_creation(Session& session, const Echoes::Echo& echo, Request& request) {
  BOXLITE_TRY(request.take<Before>());
  const auto name = BOXLITE_TRY(request.take_name());
  if (!is_creation(echo.change) || Place{request.node(), name} != echo.place) return false;
  return answered(session, request, BOXLITE_TRY(entry_at(session, echo.place)));
}

Answer<bool> repeat_deletion(Session& session, const Echoes::Echo& echo, Request& request) {
  const auto name = BOXLITE_TRY(request.take_name());
  const Place asked{request.node(), name};
  if (!is_deletion(echo.change) || asked != echo.place) return false;
  session.nodes().remove(asked);
  session.channel().answer(request.unique(), {});
  return true;
}

template <typename In>
Answer<bool> repeat_move(Session& session, const Echoes::Echo& echo, Request& request) {
  const auto in = BOXLITE_TRY(request.take<In>());
  const auto from_name = BOXLITE_TRY(request.take_name());
  const auto to_name = BOXLITE_TRY(request.take_name());
  const Place from{request.node(), from_name};
  const Place to{in.newdir, to_name};
  if (echo.change != HostChange::moved || from != echo.place || to != echo.target) return false;
  // Where the guest had to ask for the file it is known by its new name already.
  if (session.nodes().child(from.parent, from.name) != nullptr) session.nodes().move(from, to);
  session.channel().answer(request.unique(), {});
  return true;
}

// Times only, which are as they are.
Answer<bool> repeat_attributes(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_setattr_in>());
  if ((in.valid & (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE)) != 0) return false;
  auto* node = BOXLITE_TRY(session.node(request.node()));
  const auto found = BOXLITE_TRY(session.tree().find(*node));
  const auto out = session.attributes(*node, found);
  session.channel().answer(request.unique(), {bytes_of(out)});
  return true;
}

// The host hears nothing of a descriptor that is no more than a place.
Answer<bool> repeat_opening(Session& session, Request& request) {
  auto* node = BOXLITE_TRY(session.node(request.node()));
  if (node->type != S_IFREG) return false;
  const auto found = BOXLITE_TRY(session.tree().find(*node));
  const auto* file = BOXLITE_TRY(session.files().add(*node, found.fd));
  const fuse_open_out out = {.fh = file->id, .open_flags = FOPEN_KEEP_CACHE, .padding = 0};
  session.channel().answer(request.unique(), {bytes_of(out)});
  return true;
}

}  // namespace

Answer<bool> answer_repeat(Session& session, const Echoes::Echo& echo, Request request) {
  switch (request.opcode()) {
    case FUSE_LOOKUP: return repeat_lookup(session, echo, request);
    case FUSE_MKNOD: return repeat_creation<fuse_mknod_in>(session, echo, request);
    case FUSE_MKDIR: return repeat_creation<fuse_mkdir_in>(session, echo, request);
    case FUSE_SYMLINK: {
      const auto name = BOXLITE_TRY(request.take_name());
      const Place asked{request.node(), name};
      if (echo.change != HostChange::created_symlink || asked != echo.place) return false;
      return answered(session, request, BOXLITE_TRY(entry_at(session, asked)));
    }
    case FUSE_UNLINK:
    case FUSE_RMDIR: return repeat_deletion(session, echo, request);
    case FUSE_RENAME: return repeat_move<fuse_rename_in>(session, echo, request);
    case FUSE_RENAME2: return repeat_move<fuse_rename2_in>(session, echo, request);
    case FUSE_SETATTR: return repeat_attributes(session, request);
    case FUSE_OPEN: return repeat_opening(session, request);
    default: return false;
  }
}

bool changes_nothing(const Request& request) {
  switch (request.opcode()) {
    case FUSE_LOOKUP:
    case FUSE_GETATTR:
    case FUSE_READLINK:
    case FUSE_STATFS:
    case FUSE_OPENDIR:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_RELEASEDIR:
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR: return true;
    default: return false;
  }
}

}  // namespace boxlite::fileserver
