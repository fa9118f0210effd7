// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace boxlite::agent {

// The paths to try for a program, in order. A name with a slash is a path already. Entries of PATH that are
// not absolute are skipped: what runs must not depend on the working directory.
std::vector<std::string> program_candidates(std::string_view name, std::string_view path);

// What a file needs to be started, for the message when that is missing: the interpreter of "#!interpreter
// …", or the loader of a dynamic ELF program. Empty when `head`, the file's first bytes, names none.
std::string interpreter_of(std::string_view head);

}  // namespace boxlite::agent
