// SPDX-License-Identifier: Apache-2.0
// The requests about open directories. Each answers the guest itself when it succeeds.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

Answer<void> open_directory(Session& session, Request& request);
Answer<void> read_directory(Session& session, Request& request);
// The guest is told of each file at once.
Answer<void> read_directory_plus(Session& session, Request& request);

}  // namespace boxlite::fileserver
