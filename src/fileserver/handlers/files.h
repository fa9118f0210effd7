// SPDX-License-Identifier: Apache-2.0
// The requests about open files. Each answers the guest itself when it succeeds.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

Answer<void> open_node(Session& session, Request& request);
Answer<void> read_file(Session& session, Request& request);
Answer<void> write_file(Session& session, Request& request);
Answer<void> flush(Session& session, Request& request);
Answer<void> release(Session& session, Request& request);
Answer<void> synchronize(Session& session, Request& request);
Answer<void> allocate(Session& session, Request& request);
Answer<void> seek(Session& session, Request& request);
Answer<void> copy_range(Session& session, Request& request);

}  // namespace boxlite::fileserver
