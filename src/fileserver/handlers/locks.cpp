// SPDX-License-Identifier: Apache-2.0
#include "fileserver/handlers/locks.h"

#include "base/result.h"

namespace boxlite::fileserver {

Answer<void> test_lock(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_lk_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  const auto held = BOXLITE_TRY(session.locks().test(session.tree(), *file, in));
  const fuse_lk_out out = {.lk = held};
  session.channel().answer(request.unique(), {bytes_of(out)});
  return {};
}

Answer<void> set_lock(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_lk_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  BOXLITE_TRY(session.locks().set(session.tree(), *file, in));
  if (in.lk.type == F_UNLCK)
    session.channel().answer(request.unique(), {});
  else
    session.granted_locks().answer(request.unique(), request.whole());
  return {};
}

Answer<void> wait_for_lock(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take<fuse_lk_in>());
  const auto* file = BOXLITE_TRY(session.files().find(in.fh, request.node()));
  return session.locks().wait(session.tree(), *file, in, request);
}

void interrupt_lock(Session& session, Request& request) {
  if (const auto in = request.take<fuse_interrupt_in>()) session.locks().interrupt(in->unique);
}

}  // namespace boxlite::fileserver
