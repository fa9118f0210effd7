// SPDX-License-Identifier: Apache-2.0
#include "memory_runtime.h"
#include "place.h"

namespace boxlite::test {
namespace {

class MemoryPlace final : public Place {
 public:
  Runtime open() override { return Runtime(runtime_); }

 private:
  const std::shared_ptr<MemoryRuntime> runtime_ = std::make_shared<MemoryRuntime>();
};

}  // namespace

std::unique_ptr<Place> make_place() {
  return std::make_unique<MemoryPlace>();
}

}  // namespace boxlite::test
