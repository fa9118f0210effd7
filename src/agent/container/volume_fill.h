// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace boxlite::agent {

// Gives the empty directory "data" in `volume_fd` what the box's disk (on root_dir) has at `target`: files
// with owners, modes, times and attributes, and those of the directory itself. All of it appears at once;
// somebody who was faster wins; a fill that was interrupted is begun anew. A volume with anything in it stays
// as it is, and so does one for which the disk has no directory.
Result<void> fill_volume(int volume_fd, const std::string& target);

}  // namespace boxlite::agent
