// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

namespace boxlite::store {

// Brings the schema to the newest version this program knows, one transaction per step. Any number of
// processes may do so at once: each step is made by one of them. unsupported when the schema is newer than
// this program.
Result<void> migrate(Database& database);

// The version migrate() ends at.
int newest_schema();

}  // namespace boxlite::store
