// SPDX-License-Identifier: Apache-2.0
// The requests about what files are, beside their contents. Each answers the guest itself when it succeeds.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

Answer<void> get_attributes(Session& session, Request& request);
Answer<void> set_attributes(Session& session, Request& request);
Answer<void> set_extended(Session& session, Request& request);
Answer<void> get_extended(Session& session, Request& request);
Answer<void> list_extended(Session& session, Request& request);
Answer<void> remove_extended(Session& session, Request& request);
Answer<void> statistics(Session& session, Request& request);

}  // namespace boxlite::fileserver
