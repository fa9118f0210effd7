// SPDX-License-Identifier: Apache-2.0
// The name of a folder in the directory that the server serves, which says how it is to be served: nothing
// else has to be told to the server, at whatever time the folder appears.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fileserver/nodes/owners.h"

namespace boxlite::fileserver {

// "3": the files of the host's user are the box's user's. "3v": a volume. "3u1000g1000": they are that
// user's.
std::string folder_name(unsigned number, const FolderRules& rules);
// Nothing for a name that is none of ours.
std::optional<FolderRules> parse_folder_name(std::string_view name);

}  // namespace boxlite::fileserver
