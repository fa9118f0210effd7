// SPDX-License-Identifier: Apache-2.0
// What boxlite-shim is told: one JSON document on its stdin, so that nothing of it shows in the process list.
// Written by spawn_shim (shim_process.h), read by the shim.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "engine/engine_config.h"
#include "engine/machine_spec.h"
#include "engine/snapshot.h"
#include "shimlink/health_rule.h"
#include "shimlink/network_config.h"

namespace boxlite::shimlink {

// A directory or file of the host that appears in the box.
struct Folder {
  std::filesystem::path host_path = {};  // absolute; of a volume: the directory that holds its "data"
  std::string box_path = {};             // absolute
  bool is_volume = false;
  bool is_read_only = false;
  bool fill = false;  // an empty volume first gets what the image has there

  bool operator==(const Folder&) const = default;
};

// To whom in the box the files of the host's user belong, in folders.
struct FolderOwner {
  bool is_box_user = true;
  std::uint32_t uid = 0;  // of somebody else
  std::uint32_t gid = 0;

  bool operator==(const FolderOwner&) const = default;
};

struct ShimConfig {
  std::string box_id = {};
  std::filesystem::path home = {};     // events and counters go there
  std::string box_name = {};           // may be empty; for events
  std::filesystem::path box_dir = {};  // boxes/<id>, where sockets, logs and records are; absolute
  engine::MachineSpec machine = {};
  NetworkConfig network = {};
  // Unix sockets of the host that the box may connect to: the first is number 1 of Mount.host_socket, and so
  // on.
  std::vector<std::filesystem::path> host_sockets = {};
  std::vector<Folder> folders = {};
  FolderOwner folder_owner = {};
  // Set: the first machine goes on from it instead of booting.
  std::optional<engine::Snapshot> from = {};
  // Set: no box is wanted. When the machine's agent answers, and has prepared a container if
  // start_container_request asks for one, a snapshot of it is made, and the shim ends: with 0 when all went
  // well, with cannot_snapshot when it never will on this host. Before a warm one, which is made of a machine
  // that went on from another, a few commands are run.
  std::optional<engine::Snapshot> snapshot_into = {};
  // No box is there yet: the machine goes on from a snapshot and waits to be claimed (ready_machines.h).
  // The two requests below are as they were when that was made.
  bool awaits_claim = false;
  engine::EngineConfig engine = {};
  std::filesystem::path fileserver = {};  // boxlite-fileserver
  // Serialised messages of api/guest.proto. The shim adds the wall clock and the entropy to the first.
  std::string configure_request = {};
  std::string start_container_request = {};
  // An ExecRequest; empty: the box has no main command and idles.
  std::string main_request = {};
  // The main command of the first machine comes from a client, which misses none of its output so. Those that
  // the restart policy starts are the shim's.
  bool client_starts_main = false;
  bool is_maintenance = false;  // without a main command, for a while only
  // The disk is not wanted any more once the main command has ended: the machine need not be shut down.
  bool is_disposable = false;
  RestartPolicy restart = {};
  HealthRule health = {};
  // Stop the box when it has been idle so long: no command but the main one runs and no client is attached.
  std::chrono::milliseconds auto_stop{0};      // 0: never
  std::chrono::milliseconds boot_timeout{0};   // 0: default_boot_timeout of the accelerator
  std::chrono::milliseconds stop_grace{2000};  // of a stop nobody gave a grace period for (signal, watchdog)
  int stop_signal = 15;                        // what the main command is asked to end with
  bool is_detached = false;
  std::uint64_t log_file_bytes = 10u << 20;  // of container.log, and of each of its predecessors
  std::size_t log_files = 3;
  std::size_t console_log_bytes = 1u << 20;  // console.log and console.log.1 may each be this large

  bool operator==(const ShimConfig&) const = default;
};

// The exit code of a shim that was to make a snapshot.
inline constexpr int cannot_snapshot = 3;

// Where in box_dir the box's folders appear, for its shim and file server only.
inline constexpr std::string_view folders_dir_name = "folders";

// 30 s with KVM, 120 s with TCG: emulated machines on a busy host are slow, not broken.
std::chrono::milliseconds default_boot_timeout(engine::Accelerator accelerator);

std::string to_json(const ShimConfig& config);
// invalid_argument names the field that is missing or wrong; unknown fields are refused, since both programs
// come from one build.
Result<ShimConfig> parse_shim_config(std::string_view json);

}  // namespace boxlite::shimlink
