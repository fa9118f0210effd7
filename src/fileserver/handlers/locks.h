// SPDX-License-Identifier: Apache-2.0
// The requests about locks. Each answers the guest itself when it succeeds.
#pragma once

#include "fileserver/answer.h"
#include "fileserver/request.h"
#include "fileserver/session.h"

namespace boxlite::fileserver {

Answer<void> test_lock(Session& session, Request& request);
Answer<void> set_lock(Session& session, Request& request);
Answer<void> wait_for_lock(Session& session, Request& request);
// Never answered.
void interrupt_lock(Session& session, Request& request);

}  // namespace boxlite::fileserver
