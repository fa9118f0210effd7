// SPDX-License-Identifier: Apache-2.0
// Copies between the host and a box, over a connection to its machine. They wait; the loop of the connection
// must run. Behaviour: boxlite/files.hpp.
#pragma once

#include <boxlite/files.hpp>

#include "agentlink/connection.h"

namespace boxlite::box {

// `distrusted`: folders of the host that a box may write, as real paths. A symlink in one of them is not
// followed (invalid_argument): it may be a box's, and lead to what is none of its business.
Result<CopyReport> copy_in(agentlink::Connection& connection, const std::filesystem::path& source,
                           std::string_view destination, const CopyOptions& options,
                           const std::vector<std::filesystem::path>& distrusted, const CallOptions& call);
Result<CopyReport> copy_out(agentlink::Connection& connection, std::string_view source,
                            const std::filesystem::path& destination, const CopyOptions& options,
                            const std::vector<std::filesystem::path>& distrusted, const CallOptions& call);
Result<CopyReport> unpack(agentlink::Connection& connection, int archive_fd, std::string_view directory,
                          const CopyOptions& options, const CallOptions& call);
Result<CopyReport> pack(agentlink::Connection& connection, std::string_view source, int archive_fd,
                        const CopyOptions& options, const CallOptions& call);

}  // namespace boxlite::box
