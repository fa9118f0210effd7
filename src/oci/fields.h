// SPDX-License-Identifier: Apache-2.0
// Reading JSON from outside without exceptions: bounded, typed, and with errors that name the field. Null
// counts as missing, as Go's encoders write it for empty values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace boxlite::oci::fields {

// One object (corrupted otherwise) of at most `limit` bytes and 32 levels. `what` names the document in
// errors.
Result<nlohmann::json> parse(std::string_view json, std::string_view what, std::size_t limit);

// Null when missing.
const nlohmann::json* find(const nlohmann::json& object, const char* key);
Result<std::string> text(const nlohmann::json& object, const char* key);
Result<std::uint64_t> number(const nlohmann::json& object, const char* key, std::uint64_t max);
Result<bool> flag(const nlohmann::json& object, const char* key);
// A list of strings; a lone string counts as a list of one.
Result<std::vector<std::string>> texts(const nlohmann::json& object, const char* key, std::size_t max);
// The keys of an object (of Go's map[string]struct{}), sorted.
Result<std::vector<std::string>> keys(const nlohmann::json& object, const char* key, std::size_t max);
Result<std::map<std::string, std::string>> text_map(const nlohmann::json& object, const char* key,
                                                    std::size_t max);

std::unexpected<Error> wrong(std::string_view field, std::string_view expected);

}  // namespace boxlite::oci::fields
