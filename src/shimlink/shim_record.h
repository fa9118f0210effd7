// SPDX-License-Identifier: Apache-2.0
// What the shim leaves on disk: boxes/<id>/shim.json while it runs and boxes/<id>/exit.json at its end. The
// first may outlive the shim when that was killed: believe it only after is_running(record.shim).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box.hpp>

#include "base/result.h"
#include "base/time.h"
#include "linux/process/process_identity.h"
#include "shimlink/health_rule.h"
#include "shimlink/network_config.h"

namespace boxlite::shimlink {

struct StageTime {
  std::string name = {};  // "spawn_vmm", "boot", "configure", "mount", "container"
  std::chrono::microseconds duration{0};

  bool operator==(const StageTime&) const = default;
};

// What a shim that lives is at.
enum class ShimPhase { booting, running, paused, restarting, stopping };
std::string_view name(ShimPhase phase);

struct ShimRecord {
  linux_::ProcessIdentity shim = {};
  pid_t vmm_pid = 0;          // 0: between two machines
  Timestamp started_at = {};  // of the machine
  ShimPhase phase = ShimPhase::booting;
  std::uint64_t restart_count = 0;  // by the restart policy
  bool is_maintenance = false;      // its main command is not run in this machine
  HealthStatus health = HealthStatus::none;
  std::uint64_t health_failures = 0;       // in a row
  std::string health_output = {};          // of the last probe: its beginning, any bytes
  std::uint64_t disk_errors = 0;           // that the guest's kernel knows of
  std::string disk_last_error = {};        // its words, any bytes
  bool disk_is_read_only = false;          // it writes nothing to it any more
  std::optional<Timestamp> ready_at = {};  // set once the container is up
  std::vector<StageTime> stages = {};
  std::vector<PortMapping> ports = {};  // as they are

  bool operator==(const ShimRecord&) const = default;
};

enum class ExitReason {
  stopped,      // asked to: Stop, TERM, or the watchdog
  main_exited,  // the box's main command ended
  killed,       // a forced stop, or the guest did not shut down in time
  boot_failed,  // never became ready
  vmm_failed,   // the machine ended by itself
};
std::string_view name(ExitReason reason);

// The phase of a boot that failed before there was a machine: a port was taken.
inline constexpr std::string_view network_phase = "network";

// The phase of one that did not come to a machine: its files could not be made.
inline constexpr std::string_view set_up_phase = "set_up";

// The phase of one for which memory, descriptors or processes did not suffice, or whose machine the
// kernel killed: that says nothing of the machine it was to be.
inline constexpr std::string_view resources_phase = "resources";

// The phase of one whose machine could not go on from a saved one: on this host none can.
inline constexpr std::string_view no_restoring_phase = "no_restoring";

struct ExitRecord {
  ExitReason reason = ExitReason::stopped;
  Timestamp at = {};
  std::optional<int> exit_code = {};  // of the main command: one of the two, where it has run
  std::optional<int> signal = {};     // 9 also when it went with its machine: stopped, killed
  bool oom_killed = false;            // main_exited: something of the main command was
  std::string phase = {};             // boot_failed: the stage that did not end
  std::string message = {};           // boot_failed, vmm_failed: what happened
  std::string console_tail = {};      // boot_failed, vmm_failed: the guest's last lines

  bool operator==(const ExitRecord&) const = default;
};

// Names inside a box's directory.
inline constexpr std::string_view shim_record_name = "shim.json";
inline constexpr std::string_view exit_record_name = "exit.json";
inline constexpr std::string_view shim_lock_name = "shim.lock";
inline constexpr std::string_view shim_stderr_name = "shim.stderr";
inline constexpr std::string_view agent_socket_name = "agent.sock";
inline constexpr std::string_view container_log_name = "container.log";
inline constexpr std::string_view console_log_name = "console.log";
inline constexpr std::string_view vmm_stderr_name = "vmm.stderr";
inline constexpr std::string_view temporary_dir_name = "tmp";

std::string to_json(const ShimRecord& record);
std::string to_json(const ExitRecord& record);
// not_found when there is none, corrupted when it is not one.
Result<ShimRecord> read_shim_record(const std::filesystem::path& box_dir);
Result<ExitRecord> read_exit_record(const std::filesystem::path& box_dir);

}  // namespace boxlite::shimlink
