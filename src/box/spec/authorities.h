// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::box {

// The name under which the host's own trust store is meant.
inline constexpr std::string_view system_authorities = "system";

// invalid_argument for what is neither that nor an absolute path.
Result<void> check(const std::vector<std::filesystem::path>& authorities);
// The certificates (PEM) of all of them, and nothing else that is in their files: never a private key.
// invalid_argument for a file without one, and for what has the marks of one and not its shape.
Result<std::string> read_authorities(const std::vector<std::filesystem::path>& authorities);
// The same of one file, whose path leads through no symlink (base/real_path.h). It is opened here and nowhere
// else: between two openings a box that may write there could exchange it.
Result<std::string> read_authorities_at(const std::filesystem::path& real_path);

}  // namespace boxlite::box
