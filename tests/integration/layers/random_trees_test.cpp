// SPDX-License-Identifier: Apache-2.0
// Trees that nobody thought of. BOXLITE_TREES is how many (100), BOXLITE_TREES_FROM the first seed; a failure
// names its seed.
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "random_layers.h"
#include "umoci_peer.h"

namespace boxlite::tests {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(RandomTrees, hold_what_umoci_unpacks) {
  const std::uint64_t first = number_from("BOXLITE_TREES_FROM", 1);
  const std::uint64_t count = number_from("BOXLITE_TREES", 100);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(concat("seed ", seed));
    expect_same_as_umoci(random_layers(seed),
                         {.disk_bytes = std::uint64_t{256} << 20, .also_export = seed % 10 == 0});
    if (HasFatalFailure() || IsSkipped()) return;
  }
}

}  // namespace
}  // namespace boxlite::tests
