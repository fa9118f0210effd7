// SPDX-License-Identifier: Apache-2.0
// Images, volumes and saved machines: what a home keeps besides boxes.
#pragma once

#include <boxlite/images.hpp>
#include <boxlite/saved_machines.hpp>
#include <boxlite/volumes.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<ImageInfo> auto& image) {
  field("reference", image.reference);
  field("id", image.id);
  field("manifest_digest", image.manifest_digest);
  field("platform", image.platform);
  field("created_at", OrNull{image.created_at});
  field("pulled_at", OrNull{image.pulled_at});
  field("size_bytes", image.size_bytes);
  field("layer_count", image.layer_count);
  field("entrypoint", image.entrypoint);
  field("command", image.command);
  field("env", image.env);
  field("working_dir", image.working_dir);
  field("user", image.user);
  field("labels", AsObject{image.labels});
  field("layer_digests", image.layer_digests);
}

void describe(auto& field, Of<PullOptions> auto& options) {
  field("platform", options.platform);
}

void describe(auto& field, Of<LoadOptions> auto& options) {
  field("name", options.name);
  field("platform", options.platform);
}

void describe(auto& field, Of<RemoveImageOptions> auto& options) {
  field("force", options.force);
}

void describe(auto& field, Of<PruneOptions> auto& options) {
  field("all", options.all);
  field("dry_run", options.dry_run);
}

void describe(auto& field, Of<PruneReport> auto& report) {
  field("removed", report.removed);
  field("freed_bytes", report.freed_bytes);
}

void describe(auto& field, Of<VolumeInfo> auto& volume) {
  field("name", volume.name);
  field("created_at", volume.created_at);
  field("is_anonymous", volume.is_anonymous);
  field("directory", volume.directory);
  field("used_by", volume.used_by);
}

void describe(auto& field, Of<VolumePruneOptions> auto& options) {
  field("all", options.all);
}

void describe(auto& field, Of<SavedMachine> auto& machine) {
  field("id", machine.id);
  field("has_image", machine.has_image);
  field("is_frozen", machine.is_frozen);
  field("used_at", machine.used_at);
  field("bytes", machine.bytes);
  field("ready", machine.ready);
}

}  // namespace boxlite::model
