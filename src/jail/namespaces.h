// SPDX-License-Identifier: Apache-2.0
// A user and a mount namespace of the shim's own: the first gives it the right to mount without being root,
// the second keeps what it mounts to itself. Both end with the last process in them, however it ends, so that
// nothing it mounted can be left behind.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::jail {

// Moves the calling process, which must have one thread, into namespaces of its own.
//
// Who is who: an ordinary user appears as root (uid and gid 0) inside, and everybody else as nobody; real
// root keeps all ids as they are. Supplementary groups stay in force (they open /dev/kvm). Mounts of the host
// still arrive and go (so that a disk can be ejected), nothing goes the other way.
//
// unsupported, with the remedy, where the kernel does not allow it. The process can go on in either case.
Result<void> enter_own_namespaces();

// From now on no other program of the user looks into the calling process (its memory, its environment, its
// descriptors), and no core file is made of it, wherever those go: only root may. Not before
// enter_own_namespaces(), which writes files in /proc that would be root's.
void hide_process();

// Lines of a uid_map or gid_map ("inside outside count") in which everything that `map` has inside is mapped
// to itself.
std::string identity_map(std::string_view map);

}  // namespace boxlite::jail
