// SPDX-License-Identifier: Apache-2.0
// The requests about names in directories. Each answers the guest itself when it succeeds.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

Answer<void> look_up(Session& session, Request& request);
Answer<void> make_node(Session& session, Request& request);
Answer<void> make_directory(Session& session, Request& request);
Answer<void> make_symlink(Session& session, Request& request);
Answer<void> make_link(Session& session, Request& request);
Answer<void> create_file(Session& session, Request& request);
Answer<void> create_nameless_file(Session& session, Request& request);
Answer<void> remove_file(Session& session, Request& request);
Answer<void> remove_directory(Session& session, Request& request);
Answer<void> rename(Session& session, Request& request);
Answer<void> rename_with_flags(Session& session, Request& request);
Answer<void> read_link(Session& session, Request& request);

// Never answered.
void forget(Session& session, Request& request);
void forget_many(Session& session, Request& request);

}  // namespace boxlite::fileserver
