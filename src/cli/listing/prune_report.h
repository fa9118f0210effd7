// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/boxlite.hpp>

#include "cli/commands/commands.h"
#include "cli/listing/listing.h"

namespace boxlite::cli {

// Prints what a removal has freed, or would.
Outcome show_prune_report(const Result<PruneReport>& report, bool is_dry_run, OutputFormat format);

}  // namespace boxlite::cli
