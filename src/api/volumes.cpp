// SPDX-License-Identifier: Apache-2.0
#include "backend/volumes.h"

#include <utility>

#include "backend/runtime.h"

namespace boxlite {

Volumes::Volumes(std::shared_ptr<backend::Runtime> backend) : backend_(std::move(backend)) {}

Result<VolumeInfo> Volumes::create(std::string_view name) {
  return backend_->volumes().create(name);
}

Result<VolumeInfo> Volumes::get(std::string_view name) const {
  return backend_->volumes().get(name);
}

Result<std::vector<VolumeInfo>> Volumes::list() const {
  return backend_->volumes().list();
}

Result<void> Volumes::remove(std::string_view name) {
  return backend_->volumes().remove(name);
}

Result<std::vector<std::string>> Volumes::prune(const VolumePruneOptions& options) {
  return backend_->volumes().prune(options);
}

}  // namespace boxlite
