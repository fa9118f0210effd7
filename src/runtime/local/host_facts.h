// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/host.hpp>

#include "runtime/local/installation.h"
#include "vmm/host_check.h"

namespace boxlite::local {

// The host check as users see it: one line per fact, with the files that BoxLite brings along.
HostReport host_facts(const vmm::HostReport& found, const Installation& installation);

}  // namespace boxlite::local
