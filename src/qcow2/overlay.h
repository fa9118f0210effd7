// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace boxlite::qcow2 {

struct Backing {
  std::filesystem::path file;  // absolute, or relative to the overlay's directory
  std::string format;          // "raw" or "qcow2"
};

// Creates `path` (must not exist), an empty layer of `virtual_size` bytes over `backing`. The size may be
// larger than the backing disk's, then the rest reads as zeros; a smaller one is invalid_argument.
Result<void> create_overlay(const std::filesystem::path& path, const Backing& backing,
                            std::uint64_t virtual_size);

// An overlay's header names files that whoever opens it next opens as well, and a machine can write to its
// own. corrupted, when it is not that of a layer over a raw file of the name of `base`, which must be there,
// and of nothing else; an empty `base`: over nothing. The directory may be another one: a home can be moved,
// and who opens the layer has to say himself where its base is.
Result<void> require_overlay_over(const std::filesystem::path& path, const std::filesystem::path& base);

}  // namespace boxlite::qcow2
