// SPDX-License-Identifier: Apache-2.0
#include "backend/images.h"

#include <utility>

#include "backend/runtime.h"

namespace boxlite {

Images::Images(std::shared_ptr<backend::Runtime> backend) : backend_(std::move(backend)) {}

Result<ImageInfo> Images::pull(std::string_view reference, const PullOptions& options,
                               const CallOptions& call) {
  return backend_->images().pull(reference, options, call);
}

Result<std::vector<ImageInfo>> Images::load(const std::filesystem::path& archive, const LoadOptions& options,
                                            const CallOptions& call) {
  return backend_->images().load(archive, options, call);
}

Result<std::vector<ImageInfo>> Images::load(int archive_fd, const LoadOptions& options,
                                            const CallOptions& call) {
  return backend_->images().load(archive_fd, options, call);
}

Result<ImageInfo> Images::get(std::string_view name) const {
  return backend_->images().get(name);
}

Result<std::vector<ImageInfo>> Images::list() const {
  return backend_->images().list();
}

Result<PruneReport> Images::remove(std::string_view name, const RemoveImageOptions& options) {
  return backend_->images().remove(name, options);
}

Result<PruneReport> Images::prune(const PruneOptions& options) {
  return backend_->images().prune(options);
}

Result<void> Images::export_rootfs(std::string_view name, const std::filesystem::path& directory,
                                   const CallOptions& call) {
  return backend_->images().export_rootfs(name, directory, call);
}

}  // namespace boxlite
