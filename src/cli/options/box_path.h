// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace boxlite::cli {

// One side of a copy, by Docker's rules: "BOX:PATH", else a path on this host. What begins with "/" or "." is
// one, whatever colons it has ("./a:b"); "-" is standard input or output.
struct CopyPlace {
  std::string box;  // empty: this host
  std::string path;
  bool is_stream = false;
};
CopyPlace parse_copy_place(std::string_view text);

}  // namespace boxlite::cli
