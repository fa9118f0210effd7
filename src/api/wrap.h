// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include <boxlite/error.hpp>

namespace boxlite {

// The public handle on what a backend returned.
template <typename Handle, typename Backend>
Result<Handle> wrap(Result<std::shared_ptr<Backend>> made) {
  if (!made) return std::unexpected(std::move(made).error());
  return Handle(*std::move(made));
}

}  // namespace boxlite
