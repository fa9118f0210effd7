// SPDX-License-Identifier: Apache-2.0
#include "runtime/backend/runtime.h"

#include <utility>

#include "runtime/local/local_runtime.h"

namespace boxlite {

Version version() {
  return {.boxlite = BOXLITE_VERSION, .commit = BOXLITE_COMMIT};
}

Result<Runtime> Runtime::open(RuntimeOptions options) {
  auto local = local::LocalRuntime::open(std::move(options));
  if (!local) return std::unexpected(std::move(local).error());
  return Runtime(*std::move(local));
}

Runtime::Runtime(std::shared_ptr<backend::Runtime> backend) : backend_(std::move(backend)) {}

const std::filesystem::path& Runtime::home() const {
  return backend_->home();
}

Result<Box> Runtime::create(const BoxSpec& spec) {
  return backend_->create(spec);
}

Result<Box> Runtime::get(std::string_view id_or_name) const {
  return backend_->get(id_or_name);
}

Result<std::vector<BoxInfo>> Runtime::list(const ListOptions& options) const {
  return backend_->list(options);
}

Result<void> Runtime::remove(std::string_view id_or_name, const RemoveOptions& options) {
  return backend_->remove(id_or_name, options);
}

Images Runtime::images() const {
  return Images(backend_);
}

Result<EventReader> Runtime::events(const EventOptions& options) const {
  return backend_->events(options);
}

Result<RuntimeMetrics> Runtime::metrics() const {
  return backend_->metrics();
}

Volumes Runtime::volumes() const {
  return Volumes(backend_);
}

Result<HostReport> Runtime::check_host() const {
  return backend_->check_host();
}

}  // namespace boxlite
