// SPDX-License-Identifier: Apache-2.0
#include "backend/runtime.h"

#include <utility>

#include "api/wrap.h"

namespace boxlite {

Version version() {
  return {.boxlite = BOXLITE_VERSION, .commit = BOXLITE_COMMIT};
}

Runtime::Runtime(std::shared_ptr<backend::Runtime> backend) : backend_(std::move(backend)) {}

const std::filesystem::path& Runtime::home() const {
  return backend_->home();
}

Result<Box> Runtime::create(const BoxSpec& spec, const CreateOptions& options, const CallOptions& call) {
  return wrap<Box>(backend_->create(spec, options, call));
}

Result<Runtime::Obtained> Runtime::get_or_create(const BoxSpec& spec) {
  auto obtained = backend_->get_or_create(spec);
  if (!obtained) return std::unexpected(std::move(obtained).error());
  return Obtained{Box(std::move(obtained->box)), obtained->was_created};
}

Result<Box> Runtime::get(std::string_view id_or_name) const {
  return wrap<Box>(backend_->get(id_or_name));
}

Result<std::vector<BoxInfo>> Runtime::list(const ListOptions& options) const {
  return backend_->list(options);
}

Result<void> Runtime::remove(std::string_view id_or_name, const RemoveOptions& options) {
  return backend_->remove(id_or_name, options);
}

Result<void> Runtime::rename(std::string_view id_or_name, std::string_view new_name) {
  return backend_->rename(id_or_name, new_name);
}

Result<PruneReport> Runtime::prune_boxes(const BoxPruneOptions& options) {
  return backend_->prune_boxes(options);
}

Result<DiskUsage> Runtime::disk_usage() const {
  return backend_->disk_usage();
}

Result<PruneReport> Runtime::collect_garbage(const PruneOptions& options) {
  return backend_->collect_garbage(options);
}

Result<void> Runtime::warm(const BoxSpec& spec, const WarmOptions& options, const CallOptions& call) {
  return backend_->warm(spec, options, call);
}

Result<void> Runtime::keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options,
                                 const CallOptions& call) {
  return backend_->keep_ready(like, count, options, call);
}

Result<std::vector<SavedMachine>> Runtime::saved_machines() const {
  return backend_->saved_machines();
}

Result<PruneReport> Runtime::prune_saved_machines(const PruneOptions& options) {
  return backend_->prune_saved_machines(options);
}

Images Runtime::images() const {
  return Images(backend_);
}

Result<EventReader> Runtime::events(const EventOptions& options) const {
  return wrap<EventReader>(backend_->events(options));
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

Result<void> Runtime::close(const CallOptions& call) {
  return backend_->close(call);
}

}  // namespace boxlite
