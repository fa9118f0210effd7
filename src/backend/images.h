// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/images.hpp>

namespace boxlite::backend {

// What a boxlite::Images does; see there.
class Images {
 public:
  virtual ~Images() = default;
  virtual Result<ImageInfo> pull(std::string_view reference, const PullOptions& options,
                                 const CallOptions& call) = 0;
  virtual Result<std::vector<ImageInfo>> load(const std::filesystem::path& archive,
                                              const LoadOptions& options, const CallOptions& call) = 0;
  virtual Result<std::vector<ImageInfo>> load(int archive_fd, const LoadOptions& options,
                                              const CallOptions& call) = 0;
  virtual Result<ImageInfo> get(std::string_view name) = 0;
  virtual Result<std::vector<ImageInfo>> list() = 0;
  virtual Result<PruneReport> remove(std::string_view name, const RemoveImageOptions& options) = 0;
  virtual Result<PruneReport> prune(const PruneOptions& options) = 0;
  virtual Result<void> export_rootfs(std::string_view name, const std::filesystem::path& directory,
                                     const CallOptions& call) = 0;
};

}  // namespace boxlite::backend
