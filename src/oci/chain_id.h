// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "oci/digest.h"

namespace boxlite::oci {

// One digest for a stack of layers, by the OCI image specification ("Layer ChainID"): the same layers in the
// same order have the same root file system, however they were compressed. `diff_ids` must not be empty;
// bottom first.
Digest chain_id(std::span<const Digest> diff_ids);

}  // namespace boxlite::oci
