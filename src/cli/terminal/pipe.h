// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/error.hpp>

#include "cli/terminal/descriptor.h"

namespace boxlite::cli {

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

// Close-on-exec; `flags` as of pipe2(2). resource_exhausted.
Result<Pipe> make_pipe(int flags = 0);

}  // namespace boxlite::cli
