// SPDX-License-Identifier: Apache-2.0
// The secrets of a box: what may be asked for, and the one file that has their values.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "shimlink/network_config.h"

namespace boxlite::box {

// With their values. invalid_argument; also for a host that the network rules refuse: a secret opens nothing.
Result<void> check_secrets(const BoxSpec& spec);

// The value of the box's variables for them: the placeholders.
std::vector<EnvironmentVariable> secret_variables(const std::vector<Secret>& secrets);

// The values, in a file (mode 0600) of the box's directory, so that any process can start the box again.
// Nothing is written for none.
Result<void> keep_secret_values(const std::filesystem::path& file, const std::vector<Secret>& secrets);
// `secrets` as they are stored, without values. corrupted, with a remedy, when the file is not what it was.
Result<std::vector<shimlink::SecretConfig>> load_secrets(const std::filesystem::path& file,
                                                         const std::vector<Secret>& secrets);

// The file's text: {"name": "hexadecimal"}.
std::string secret_values_to_json(const std::vector<Secret>& secrets);
Result<std::vector<std::pair<std::string, std::string>>> parse_secret_values(std::string_view json);

}  // namespace boxlite::box
