// SPDX-License-Identifier: Apache-2.0
// What boxlite-fileserver is started with.
#pragma once

#include "linux/capabilities.h"

namespace boxlite::fileserver {

inline constexpr int channel_fd = 3;
inline constexpr int folders_fd = 4;

// With them it can do to shared files what root of the shim's namespaces may: an ordinary user's own files,
// whatever their mode. capabilities(7): CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4.
inline constexpr linux_::CapabilitySet file_capabilities = 0b1'1011;
// Until it is confined: SETPCAP 8, SYS_CHROOT 18, SYS_ADMIN 21.
inline constexpr linux_::CapabilitySet starting_capabilities =
    file_capabilities | 1u << 8 | 1u << 18 | 1u << 21;

}  // namespace boxlite::fileserver
