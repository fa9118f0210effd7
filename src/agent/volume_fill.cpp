// SPDX-License-Identifier: Apache-2.0
#include "agent/volume_fill.h"

namespace boxlite::agent {

Result<void> fill_volume(int, const std::string&) {
  return {};
}

}  // namespace boxlite::agent
