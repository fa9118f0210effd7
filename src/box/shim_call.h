// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "agentlink/connection.h"
#include "base/result.h"
#include "box/box_paths.h"
#include "box/surroundings.h"

namespace boxlite::box {

// One question to the shim of a box that runs, on a connection of its own; timed_out after half a minute.
template <typename M>
Result<typename M::Response> call_shim(Surroundings& around, const BoxPaths& paths,
                                       const typename M::Request& request) {
  const auto deadline = Deadline::after(std::chrono::seconds(30));
  const auto connection =
      BOXLITE_TRY(agentlink::Connection::connect(around.loop(), paths.agent_socket(), deadline));
  return connection->call<M>(request, deadline);
}

}  // namespace boxlite::box
