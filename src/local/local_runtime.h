// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/runtime.h"
#include "box/life/start_intention.h"
#include "box/surroundings.h"
#include "local/home/home.h"
#include "local/home/installation.h"
#include "local/home/local_images.h"
#include "local/home/local_volumes.h"
#include "local/home/ready_keeper.h"
#include "local/home/shim_keeper.h"
#include "local/io_thread.h"

namespace boxlite::local {

class LocalBox;

// Boxes on this host, in one home directory. Thread-safe. Its end shuts down the boxes it started that are
// not detached.
class LocalRuntime final : public backend::Runtime,
                           public box::Surroundings,
                           public std::enable_shared_from_this<LocalRuntime> {
 public:
  static Result<std::shared_ptr<LocalRuntime>> open(RuntimeOptions options);
  ~LocalRuntime() override;

  // backend::Runtime
  const std::filesystem::path& home() const override { return home_.directory; }
  Result<std::shared_ptr<backend::Box>> create(const BoxSpec& spec, const CreateOptions& options,
                                               const CallOptions& call) override;
  Result<std::shared_ptr<backend::Box>> get(std::string_view id_or_name) override;
  Result<Obtained> get_or_create(const BoxSpec& spec) override;
  Result<std::vector<BoxInfo>> list(const ListOptions& options) override;
  Result<void> remove(std::string_view id_or_name, const RemoveOptions& options) override;
  Result<void> rename(std::string_view id_or_name, std::string_view new_name) override;
  Result<PruneReport> prune_boxes(const BoxPruneOptions& options) override;
  Result<DiskUsage> disk_usage() override;
  Result<void> warm(const BoxSpec& spec, const WarmOptions& options, const CallOptions& call) override;
  Result<void> keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options,
                          const CallOptions& call) override;
  Result<std::vector<SavedMachine>> saved_machines() override;
  Result<PruneReport> prune_saved_machines(const PruneOptions& options) override;
  Result<PruneReport> collect_garbage(const PruneOptions& options) override;
  backend::Images& images() override { return *images_; }
  Result<std::shared_ptr<backend::EventReader>> events(const EventOptions& options) override;
  Result<RuntimeMetrics> metrics() override;
  backend::Volumes& volumes() override { return *volumes_; }
  Result<HostReport> check_host() override;
  Result<void> close(const CallOptions& call) override;

  // box::Surroundings
  store::BoxTable& boxes() override { return *boxes_; }
  linux_::EventLoop& loop() override { return io_->loop(); }
  Result<image::Image> require_image(const BoxSpec& spec, const box::Call& call) override;
  Result<box::BaseDisk> require_base_disk(const image::Image& image, const BoxSpec& spec,
                                          const box::Call& call) override;
  std::filesystem::path base_disk_path(const std::string& key) const override;
  Result<void> require_volumes(const std::vector<Mount>& mounts) override;
  void drop_volumes(const std::vector<Mount>& mounts) override;
  Result<box::MachineParts> machine_parts() override;
  void adopt(std::string_view box_id, shimlink::ShimProcess shim, bool is_detached) override;
  void note_first_start(const BoxSpec& spec) override;
  // The box outlives this Runtime.
  void release(const std::string& box_id) { keeper_.release(box_id); }

  // Keeps the loop in memory; it runs no longer than the Runtime lives.
  std::shared_ptr<void> io() const { return io_; }
  void log(LogLevel level, std::string_view message) const;

 private:
  LocalRuntime(RuntimeOptions options, Home home, std::unique_ptr<store::BoxTable> boxes,
               std::unique_ptr<LocalImages> images, std::unique_ptr<LocalVolumes> volumes,
               std::shared_ptr<IoThread> io);
  static void end(LocalRuntime* runtime);
  // `stopped` after close().
  Result<void> check_open() const;
  Result<void> obey(PullPolicy policy, const BoxSpec& spec, const CallOptions& call);
  Result<void> insert(const store::BoxRecord& record, bool start_follows);
  void forget_intention(const std::string& box_id);
  engine::EngineRequest engine_request() const;
  Result<shimlink::AddedMachine> add_ready_machine(const BoxSpec& like);
  Result<std::string> resolve_id(std::string_view id_or_name);
  std::shared_ptr<LocalBox> box(const std::string& id);
  void recover();
  void remove_leftovers();
  std::vector<std::string> leftovers() const;
  void settle(const std::string& box_id);
  void record_end(const std::string& box_id);

  const RuntimeOptions options_;
  const Home home_;
  const Installation installation_;
  const std::unique_ptr<store::BoxTable> boxes_;
  const std::unique_ptr<LocalImages> images_;
  const std::unique_ptr<LocalVolumes> volumes_;
  const std::shared_ptr<IoThread> io_;
  ShimKeeper keeper_;
  ReadyKeeper ready_keeper_;

  std::mutex closing_;
  std::atomic<bool> is_closed_ = false;
  std::mutex mutex_;
  std::map<std::string, box::StartIntention> intentions_;  // by box; until it runs
  std::vector<std::string> recent_kinds_;                  // the latest at the end
  std::map<std::string, std::weak_ptr<LocalBox>>
      live_boxes_;  // one handle per box, so that it has one connection
};

}  // namespace boxlite::local
