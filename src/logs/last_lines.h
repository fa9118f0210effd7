// SPDX-License-Identifier: Apache-2.0
// Words of a guest, or of what runs it, that shall be shown to a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace boxlite::logs {

// Without control sequences, which must not reach the terminal that shows it.
std::string safe_ascii(std::string_view bytes);

// The last `count` lines as such text.
std::string last_lines(std::string_view bytes, std::size_t count);

}  // namespace boxlite::logs
