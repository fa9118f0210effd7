// SPDX-License-Identifier: Apache-2.0
// Which backend a Runtime has: the only place that knows them all.
#include <utility>

#include "backend/runtime.h"
#include "local/local_runtime.h"

namespace boxlite {

Result<Runtime> Runtime::open(RuntimeOptions options) {
  auto local = local::LocalRuntime::open(std::move(options));
  if (!local) return std::unexpected(std::move(local).error());
  return Runtime(*std::move(local));
}

}  // namespace boxlite
