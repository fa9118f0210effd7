// SPDX-License-Identifier: Apache-2.0
// The engines by name. Nothing above knows one of them.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/engine_config.h"

namespace boxlite::engine {

// unsupported when there is none of that name.
Result<std::unique_ptr<Engine>> make(const EngineConfig& config);

}  // namespace boxlite::engine
