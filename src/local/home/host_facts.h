// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/box_spec.hpp>
#include <boxlite/host.hpp>

#include "base/result.h"
#include "engine/host_check.h"
#include "local/home/installation.h"

namespace boxlite::local {

// The host check as users see it: one line per fact, with the files that BoxLite brings along.
HostReport host_facts(const engine::HostReport& found, const Installation& installation);

// What a spec asks of this host: memory that it has, and files of certificates. They are read again at each
// start. resource_exhausted, or what is wrong with the file.
Result<void> check_on_host(const BoxSpec& spec);

}  // namespace boxlite::local
