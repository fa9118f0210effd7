// SPDX-License-Identifier: Apache-2.0
// Start, stop and removal of one box, and what its record is worth. Every change holds boxes/<id>/lock, so
// that all processes that use the home take turns; every reader first compares the record with the evidence.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <boxlite/box.hpp>

#include "base/result.h"
#include "box/box_paths.h"
#include "box/call.h"
#include "box/life/evidence.h"
#include "box/life/spec_edit.h"
#include "box/life/start_intention.h"
#include "box/surroundings.h"
#include "linux/files/file_lock.h"

namespace boxlite::box {

// Thread-safe: holds nothing but the box's id.
class Lifecycle {
 public:
  Lifecycle(Surroundings& around, std::string id);

  const std::string& id() const { return id_; }
  const BoxPaths& paths() const { return paths_; }

  // The record, brought in line with reality unless another process is just changing the box. not_found once
  // removed.
  Result<store::BoxRecord> look();

  enum class StartMode {
    join,         // a running box is a success
    first,        // invalid_state when it runs already; the caller will start the main command
    implicit,     // as join, but invalid_state for a job box whose job has been done
    maintenance,  // as implicit, but a job box is started without its job, and stops when idle
  };
  Result<void> start(StartMode mode, const Call& call, const StartOptions& options = {});
  Result<void> stop(const StopOptions& options, const Deadline& deadline = Deadline::never());
  Result<void> remove(bool force);
  // Legal in any state, for the end of whose change it waits. The record's name is what counts: the one in
  // its spec is that of the box's making.
  Result<void> rename(std::string_view new_name);
  // Legal in any state but while starting or stopping, for whose end it waits; recorded in the spec.
  Result<void> add_mount(const Mount& mount);
  Result<void> remove_mount(std::string_view target);

  // The same for ports.
  Result<PublishedPort> publish(const PublishedPort& port);
  Result<void> unpublish(const PublishedPort& port);
  // The running machine, and each later one, outlives the process that starts it. invalid_state when none
  // runs.
  Result<void> detach();
  // And for what may be reached.
  Result<void> set_network_policy(const NetworkPolicy& policy);

  // When a home is opened: as look(), and removes a box that is meant to go by now (auto_remove, also when
  // who was to start it is gone; auto_delete). Waits for no other process.
  Result<void> recover();
  // Whether the box is meant to go by now.
  Result<bool> is_due();
  // Removes the directory of a box that has no row, unless somebody is at it.
  Result<void> remove_leftover();

  // Until nothing of the machine runs; timed_out.
  Result<void> wait_until_gone(const Deadline& deadline);

  // After the machine's end: enters it into the record and removes the box when it is meant to go. Waits
  // until the machine is gone, at most until the deadline.
  Result<void> settle(const Deadline& deadline);

 private:
  // Longer than any start or stop that another process may be in the middle of, unless a user chose longer
  // limits.
  static constexpr std::chrono::seconds lock_limit{180};
  Result<linux_::FileLock> lock(const Deadline& deadline);
  struct Observation {
    store::BoxRecord record;
    Evidence evidence;
  };
  // Waits for the end of whatever another process does with the box. not_found once it is removed.
  Result<SpecEdit> edit();
  // What look() returns, and what it rests on.
  Result<Observation> observe();
  // Of a box that stays until it has ended there is none.
  Result<std::optional<StartIntention>> intend_to_start(const BoxSpec& spec, const Call& call);
  Result<void> launch(class StartPlan& plan, StartMode mode, const Call& call);
  // These hold the lock.
  Result<store::BoxRecord> reconcile();
  Result<void> record_failure(store::BoxRecord record, const Error& error);
  // Of a start that its caller ended: the box is as it was before.
  void record_cancelled_start(const store::BoxRecord& record);
  Result<void> stop_machine(store::BoxRecord& record, const StopOptions& options, const Deadline& deadline);
  Result<void> ask_to_stop(const StopOptions& options, const Deadline& deadline);
  Result<void> kill_machine();
  void tell_end(const store::BoxRecord& before, const store::BoxState& after, const Evidence& evidence);
  Result<void> attach_now(const Mount& mount);
  Result<void> detach_now(std::string_view place);
  Result<void> erase();
  Result<bool> is_due(const store::BoxRecord& record) const;
  Result<void> erase_if_due(const store::BoxRecord& record);

  Surroundings& around_;
  const std::string id_;
  const BoxPaths paths_;
};

}  // namespace boxlite::box
