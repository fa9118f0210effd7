// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::oci {

// What an image was built for, in Go's words: linux/amd64, linux/arm64, linux/arm/v7. Always normalised when
// it comes from parse() or normalised(): aliases resolved (x86_64, aarch64), default variants left out.
struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;

  // "os/arch[/variant]", "arch[/variant]" (then os is linux).
  static Result<Platform> parse(std::string_view text);
  // What a guest on this host runs: linux and this machine's architecture.
  static Platform of_host();

  Platform normalised() const;
  std::string str() const;
  friend bool operator==(const Platform&, const Platform&) = default;
};

// How well an image for `offered` serves a machine of kind `wanted`: 0 is exact, larger is worse, nothing
// when it cannot run there (an arm/v7 machine runs arm/v6 images, an amd64/v3 machine runs amd64/v1 ones).
std::optional<int> distance(const Platform& wanted, const Platform& offered);

// Whether a box on a host of kind `host` runs programs of an image for `image`: its own kind, and on amd64
// those for i386, which are never chosen unless somebody asks for them.
bool can_run(const Platform& host, const Platform& image);
// The remedy where such an image is all there is.
std::string how_to_ask_for(const Platform& image);

}  // namespace boxlite::oci
