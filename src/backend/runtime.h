// SPDX-License-Identifier: Apache-2.0
// What stands behind the public handles. `local` runs boxes on this host; another implementation may speak to
// a server, and no program changes. Every implementation is thread-safe.
#pragma once

#include <boxlite/runtime.hpp>

#include "backend/box.h"
#include "backend/event_reader.h"
#include "backend/execution.h"
#include "backend/images.h"
#include "backend/volumes.h"

namespace boxlite::backend {

// What a boxlite::Runtime does; see there.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual const std::filesystem::path& home() const = 0;
  virtual Result<std::shared_ptr<Box>> create(const BoxSpec& spec, const CreateOptions& options,
                                              const CallOptions& call) = 0;
  virtual Result<std::shared_ptr<Box>> get(std::string_view id_or_name) = 0;
  struct Obtained {
    std::shared_ptr<Box> box;
    bool was_created;
  };
  virtual Result<Obtained> get_or_create(const BoxSpec& spec) = 0;
  virtual Result<std::vector<BoxInfo>> list(const ListOptions& options) = 0;
  virtual Result<void> remove(std::string_view id_or_name, const RemoveOptions& options) = 0;
  virtual Result<void> rename(std::string_view id_or_name, std::string_view new_name) = 0;
  virtual Result<PruneReport> prune_boxes(const BoxPruneOptions& options) = 0;
  virtual Result<DiskUsage> disk_usage() = 0;
  virtual Result<PruneReport> collect_garbage(const PruneOptions& options) = 0;
  virtual Result<void> warm(const BoxSpec& spec, const WarmOptions& options, const CallOptions& call) = 0;
  virtual Result<void> keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options,
                                  const CallOptions& call) = 0;
  virtual Result<std::vector<SavedMachine>> saved_machines() = 0;
  virtual Result<PruneReport> prune_saved_machines(const PruneOptions& options) = 0;
  virtual Images& images() = 0;
  virtual Result<std::shared_ptr<EventReader>> events(const EventOptions& options) = 0;
  virtual Result<RuntimeMetrics> metrics() = 0;
  virtual Volumes& volumes() = 0;
  virtual Result<HostReport> check_host() = 0;
  virtual Result<void> close(const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
