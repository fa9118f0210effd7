// SPDX-License-Identifier: Apache-2.0
// Variables for a box, from `-e` and `--env-file`, in Docker's notation.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "cli/ending.h"

namespace boxlite::cli {

// How to find a variable of this program's own environment.
using HostVariable = std::function<std::optional<std::string>(std::string_view name)>;
std::optional<std::string> host_variable(std::string_view name);

// "K=V", or "K" for the host's value (left out when the host has none).
Parsed<std::optional<EnvironmentVariable>> parse_variable(std::string_view text, const HostVariable& host);

// One variable a line, blank lines and lines that begin with '#' are skipped; nothing is quoted or expanded.
// `origin` names the file in errors.
Parsed<std::vector<EnvironmentVariable>> parse_env_file(std::string_view content, std::string_view origin,
                                                        const HostVariable& host);

// Files first, then single variables over them.
Parsed<std::vector<EnvironmentVariable>> read_environment(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& variables);

}  // namespace boxlite::cli
