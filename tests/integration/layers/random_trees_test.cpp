// SPDX-License-Identifier: Apache-2.0
// Trees that nobody thought of. BOXLITE_TREES is how many (100, 20 under ASan), or BOXLITE_TREES_SECONDS how
// long it goes on; BOXLITE_TREES_FROM is the first seed. A failure names its seed.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/concat.h"
#include "base/sanitizers.h"
#include "random_layers.h"
#include "umoci_peer.h"

namespace boxlite::tests {
namespace {

// A tree takes several times as long under a sanitizer, which looks for other faults than the trees' contents
// do.
#ifdef BOXLITE_ADDRESS_SANITIZER
constexpr std::uint64_t usual_trees = 20;
#else
constexpr std::uint64_t usual_trees = 100;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(RandomTrees, hold_what_umoci_unpacks) {
  const std::uint64_t first = number_from("BOXLITE_TREES_FROM", 1);
  const std::uint64_t seconds = number_from("BOXLITE_TREES_SECONDS", 0);
  const std::uint64_t count = number_from("BOXLITE_TREES", seconds == 0 ? usual_trees : UINT64_MAX - first);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  std::uint64_t seed = first;
  for (; seed < first + count; ++seed) {
    if (seconds != 0 && std::chrono::steady_clock::now() >= end) break;
    SCOPED_TRACE(concat("seed ", seed));
    expect_same_as_umoci(random_layers(seed),
                         {.disk_bytes = std::uint64_t{256} << 20, .also_export = seed % 10 == 0});
    if (HasFatalFailure() || IsSkipped()) return;
  }
  std::printf("%llu trees\n", static_cast<unsigned long long>(seed - first));
}

}  // namespace
}  // namespace boxlite::tests
