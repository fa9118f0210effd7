// SPDX-License-Identifier: Apache-2.0
// Saved machines: what boxes go on from instead of booting. Made by the first start that needs one, or by
// Runtime::warm; plain values here.
#pragma once

#include <cstdint>
#include <string>

namespace boxlite {

struct SavedMachine {
  std::string id = {};       // a digest of all that it was made from
  bool has_image = false;    // an image's disk is mounted in it: for first starts. Else any box of its shape
  bool is_frozen = false;    // with its engine's process and all that this has translated
  std::string used_at = {};  // RFC 3339, UTC
  std::uint64_t bytes = 0;   // occupied on the host
  std::uint64_t ready = 0;   // machines that have gone on from it and wait for a box (Runtime::keep_ready)
};

}  // namespace boxlite
