// SPDX-License-Identifier: Apache-2.0
// links: oci image
// Image references, platforms and WWW-Authenticate: what parses must survive being written and parsed again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/registry/challenge.h"
#include "oci/platform.h"
#include "oci/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using boxlite::oci::Platform;
  using boxlite::oci::Reference;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto reference = Reference::parse(text)) {
    const auto full = Reference::parse(reference->str());
    const auto familiar = Reference::parse(reference->familiar());
    if (!full || !familiar || *full != *reference || *familiar != *reference) std::abort();
    const auto moved = Reference::parse(reference->on_registry("reg.example:5000").str());
    if (!moved || moved->registry() != "reg.example:5000") std::abort();
  }
  if (const auto platform = Platform::parse(text)) {
    const auto again = Platform::parse(platform->str());
    if (!again || *again != *platform) std::abort();
  }
  if (boxlite::image::parse_challenges(text).size() > 16) std::abort();
  return 0;
}
