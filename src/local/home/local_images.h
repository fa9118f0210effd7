// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <boxlite/runtime.hpp>

#include "backend/images.h"
#include "box/call.h"
#include "image/image_store.h"
#include "local/home/disk_shelf.h"
#include "local/home/home.h"
#include "local/home/installation.h"
#include "store/box_table.h"

namespace boxlite::local {

// The images of a home: the store's, plus the one that BoxLite brings along, which is loaded when it is first
// asked for. Thread-safe.
class LocalImages final : public backend::Images {
 public:
  static Result<std::unique_ptr<LocalImages>> open(const Home& home, const Installation& installation,
                                                   store::BoxTable& boxes,
                                                   const std::vector<RegistryOptions>& registries,
                                                   linux_::EventLoop& loop);

  Result<ImageInfo> pull(std::string_view reference, const PullOptions& options,
                         const CallOptions& call) override;
  Result<std::vector<ImageInfo>> load(const std::filesystem::path& archive, const LoadOptions& options,
                                      const CallOptions& call) override;
  Result<std::vector<ImageInfo>> load(int archive_fd, const LoadOptions& options,
                                      const CallOptions& call) override;
  Result<ImageInfo> get(std::string_view name) override;
  Result<std::vector<ImageInfo>> list() override;
  Result<PruneReport> remove(std::string_view name, const RemoveImageOptions& options) override;
  Result<PruneReport> prune(const PruneOptions& options) override;
  Result<void> export_rootfs(std::string_view name, const std::filesystem::path& directory,
                             const CallOptions& call) override;

  // The stored image of this name, pulled when it is missing.
  Result<image::Image> require(std::string_view reference, std::string_view platform, const box::Call& call);
  // not_found unless it is stored.
  Result<void> require_stored(std::string_view reference, std::string_view platform);
  // What the blobs and the disks occupy, and what prune({.all = true}) would free of them.
  Result<void> add_usage(SpaceUse& blobs, SpaceUse& disks);
  DiskShelf& disks() { return disks_; }

 private:
  LocalImages(Home home, Installation installation, store::BoxTable& boxes, image::ImageStore store,
              linux_::EventLoop& loop);
  Result<image::Image> resolve(std::string_view name, std::string_view platform);
  Result<void> load_bundled(std::string_view name);
  Result<image::Image> pull_image(std::string_view reference, std::string_view platform,
                                  const box::Call& call);
  Result<std::vector<ImageInfo>> loaded(Result<std::vector<image::Image>> images,
                                        const box::Call& call) const;
  void announce(std::string_view type, const image::Image& image) const;
  Result<std::set<oci::Digest>> used_by_boxes();
  Result<void> prune_disks(const PruneOptions& options, PruneReport& report);

  const Home home_;
  const Installation installation_;
  store::BoxTable& boxes_;
  linux_::EventLoop& loop_;
  const image::ImageStore store_;
  DiskShelf disks_;
};

}  // namespace boxlite::local
