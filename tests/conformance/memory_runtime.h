// SPDX-License-Identifier: Apache-2.0
// A backend without machines, for tests: boxes are records in memory, and commands are processes of this
// host. What it does not have (images, volumes, networks, files) is `unsupported`. It shows that nothing
// above backends knows which one it has.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/runtime.h"
#include "memory_box.h"

namespace boxlite::test {

class MemoryRuntime final : public backend::Runtime {
 public:
  const std::filesystem::path& home() const override { return no_home_; }
  Result<std::shared_ptr<backend::Box>> create(const BoxSpec& spec, const CreateOptions& options,
                                               const CallOptions& call) override;
  Result<std::shared_ptr<backend::Box>> get(std::string_view id_or_name) override;
  Result<Obtained> get_or_create(const BoxSpec& spec) override;
  Result<std::vector<BoxInfo>> list(const ListOptions& options) override;
  Result<void> remove(std::string_view id_or_name, const RemoveOptions& options) override;
  Result<void> rename(std::string_view id_or_name, std::string_view new_name) override;
  Result<PruneReport> prune_boxes(const BoxPruneOptions& options) override;

  Result<DiskUsage> disk_usage() override;
  Result<PruneReport> collect_garbage(const PruneOptions& options) override;
  Result<void> warm(const BoxSpec& spec, const WarmOptions& options, const CallOptions& call) override;
  Result<void> keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options,
                          const CallOptions& call) override;
  Result<std::vector<SavedMachine>> saved_machines() override;
  Result<PruneReport> prune_saved_machines(const PruneOptions& options) override;
  backend::Images& images() override;
  Result<std::shared_ptr<backend::EventReader>> events(const EventOptions& options) override;
  Result<RuntimeMetrics> metrics() override;
  backend::Volumes& volumes() override;
  Result<HostReport> check_host() override;
  Result<void> close(const CallOptions& call) override;

 private:
  Result<std::shared_ptr<MemoryBox>> create_locked(const BoxSpec& spec);
  Result<std::shared_ptr<MemoryBox>> find_locked(std::string_view id_or_name) const;
  bool is_taken_locked(std::string_view name) const;

  const std::filesystem::path no_home_;
  std::mutex mutex_;
  bool is_closed_ = false;
  std::vector<std::shared_ptr<MemoryBox>> boxes_;  // oldest first
};

}  // namespace boxlite::test
