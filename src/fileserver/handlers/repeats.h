// SPDX-License-Identifier: Apache-2.0
// The requests by which the guest repeats what the host did (Echoes): answered as if the server had done it.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"
#include "fileserver/watch/echoes.h"

namespace boxlite::fileserver {

// False: the request is not about what is repeated.
Answer<bool> answer_repeat(Session& session, const Echoes::Echo& echo, Request request);

// What a process that only repeats may do with other files: those on its path.
bool changes_nothing(const Request& request);

}  // namespace boxlite::fileserver
