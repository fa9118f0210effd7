// SPDX-License-Identifier: Apache-2.0
// The interface of an engine: what runs a virtual machine. Each engine is a folder; the first is qemu/.
// registry.h makes them by name.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "engine/capabilities.h"
#include "engine/machine_end.h"
#include "engine/machine_spec.h"
#include "engine/snapshot.h"

namespace boxlite::engine {

// The machine's ends of what connects it to the shim; the engine takes them over.
struct MachineEnds {
  UniqueFd agent_port = {};  // a stream socket: the virtio-serial port "boxlite.agent"
  UniqueFd console = {};     // a stream socket: hvc0
  UniqueFd folders = {};     // a stream socket: the virtio-serial port "boxlite.folders"
  UniqueFd link = {};        // a stream socket: eth0; each frame behind its length, four bytes, big endian
  UniqueFd error_log = {};   // a file, open for both: what the engine's process complains about
  int lock_fd = -1;  // borrowed; the engine's process inherits it, so the lock lives as long as the machine
};

// A machine that runs. Dropping it kills it. One thread.
class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  // Of the engine's process; 0 where it has none.
  virtual pid_t pid() const = 0;
  // Becomes readable when the machine has ended, for whatever reason, and stays so.
  virtual int end_fd() const = 0;
  // timed_out.
  virtual Result<MachineEnd> wait(Deadline deadline) = 0;
  // Ends the machine in order: what the guest has written to its disks is in the files. The guest is not
  // asked. Does not wait for the end.
  virtual Result<void> quit(Deadline deadline) = 0;
  // Ends it now.
  virtual void kill() = 0;
  // All virtual CPUs stand still, and go on.
  virtual Result<void> pause(Deadline deadline) = 0;
  virtual Result<void> resume(Deadline deadline) = 0;

  // Writes what another machine goes on from. A memory file of the machine itself, or a copy of what it has
  // gone on from, may be there as `into.memory`, and becomes what it is to be. unsupported, with the reason,
  // for what cannot be on this host or with this machine; nothing has happened to it then, or it has ended.
  virtual Result<void> snapshot(const SnapshotRequest& request, Deadline deadline) = 0;
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual Capabilities capabilities(Accelerator accelerator) const = 0;
  // All that a snapshot of such a machine depends on, itself aside, as text: a machine with the same one goes
  // on from it.
  virtual Result<std::string> fingerprint(const MachineSpec& spec) const = 0;
  // False: that one was made by another version of the engine, or of what it is made of.
  virtual Result<bool> can_go_on_from(const Snapshot& snapshot) const = 0;
  // Returns when the engine runs; a machine it cannot make ends at once, and wait() says why. With a snapshot
  // the machine goes on from it instead of booting: all but the disks' content is as it was then. The
  // snapshot's files are only read, whatever the machine does. The machine dies with the calling thread.
  virtual Result<std::unique_ptr<Machine>> launch(const MachineSpec& spec,
                                                  const std::optional<Snapshot>& from, MachineEnds ends) = 0;
};

}  // namespace boxlite::engine
