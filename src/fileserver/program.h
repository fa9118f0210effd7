// SPDX-License-Identifier: Apache-2.0
// What boxlite-fileserver is started with.
#pragma once

#include <cstdint>
#include <string_view>

#include "linux/process/capabilities.h"

namespace boxlite::fileserver {

inline constexpr int channel_fd = 3;
inline constexpr int folders_fd = 4;

// With one of these words as its argument it takes orders on descriptor 5, a stream socket. `suspend_order`
// (one byte): it answers nothing more, writes what it knows of the guest (server_state.h) there, after the
// number of its bytes (64 bits), and ends. `resume_word`: what another process wrote so comes first, and is
// taken up. The channel is the same, or one to the same guest, at a moment when nothing is on its way in it
// but what the guest has sent and nobody has read.
inline constexpr int orders_fd = 5;
inline constexpr std::string_view orders_word = "orders";
inline constexpr std::string_view resume_word = "resume";
inline constexpr char suspend_order = 's';
// A million nodes with names as long as they may be are more, and no guest's.
inline constexpr std::uint64_t max_state_bytes = 1u << 30;

// With them it can do to shared files what root of the shim's namespaces may: an ordinary user's own files,
// whatever their mode. capabilities(7): CHOWN 0, DAC_OVERRIDE 1, FOWNER 3. Not FSETID: what the box writes to
// loses its set-id bits.
inline constexpr linux_::CapabilitySet file_capabilities = 0b1011;
// Until it is confined: SETPCAP 8, SYS_CHROOT 18, SYS_ADMIN 21.
inline constexpr linux_::CapabilitySet starting_capabilities =
    file_capabilities | 1u << 8 | 1u << 18 | 1u << 21;

}  // namespace boxlite::fileserver
