// SPDX-License-Identifier: Apache-2.0
// The file system's operations in a box, over a connection to its machine. They wait. Behaviour:
// boxlite/files.hpp.
#pragma once

#include <boxlite/files.hpp>

#include "agentlink/connection.h"

namespace boxlite::box {

Result<std::vector<std::byte>> read_file(agentlink::Connection& connection, std::string_view path,
                                         const ReadRange& range, const Deadline& deadline);
Result<FileInfo> read_file_to(agentlink::Connection& connection, std::string_view path, int fd,
                              const ReadRange& range, const Deadline& deadline);
Result<FileInfo> write_file(agentlink::Connection& connection, std::string_view path,
                            std::span<const std::byte> bytes, const WriteOptions& options,
                            const Deadline& deadline);
Result<FileInfo> write_file_from(agentlink::Connection& connection, std::string_view path, int fd,
                                 const WriteOptions& options, const Deadline& deadline);
Result<std::vector<FileInfo>> list_files(agentlink::Connection& connection, std::string_view path);
Result<FileInfo> stat_file(agentlink::Connection& connection, std::string_view path,
                           const StatOptions& options);
Result<void> make_directory(agentlink::Connection& connection, std::string_view path,
                            const MakeDirectoryOptions& options);
Result<void> remove_file(agentlink::Connection& connection, std::string_view path,
                         const RemoveFileOptions& options);
Result<void> rename_file(agentlink::Connection& connection, std::string_view from, std::string_view to,
                         const RenameOptions& options);

using WatchStream = agentlink::Stream<wire::FilesWatch>;
// The watch stands when this returns.
Result<WatchStream> watch_files(agentlink::Connection& connection, std::string_view path,
                                const WatchOptions& options);
// No events: the watched path is gone.
Result<std::vector<FileEvent>> next_events(WatchStream& stream, const Deadline& deadline);

}  // namespace boxlite::box
