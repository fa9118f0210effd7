// SPDX-License-Identifier: Apache-2.0
#include "engine/registry.h"

#include "base/concat.h"
#include "engine/qemu/qemu_engine.h"

namespace boxlite::engine {

Result<std::unique_ptr<Engine>> make(const EngineConfig& config) {
  if (config.name == qemu::engine_name)
    return std::make_unique<qemu::QemuEngine>(config.program, config.helper);
  return fail(ErrorCode::unsupported, concat("no engine is called ", in_quotes(config.name)));
}

}  // namespace boxlite::engine
