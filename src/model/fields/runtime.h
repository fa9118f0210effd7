// SPDX-License-Identifier: Apache-2.0
// A home in use, and the host that it is on.
#pragma once

#include <boxlite/runtime.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<RegistryOptions> auto& registry) {
  field("host", registry.host);
  field("mirror", registry.mirror);
  field("insecure", registry.insecure_http);
  field("skip_verify", registry.skip_verify);
  field("search", registry.search);
  field("username", registry.username);
  field("password", registry.password);
  field("token", registry.token);
}

void describe(auto& field, Of<RuntimeOptions> auto& options) {
  field("home", options.home);
  field("runtime_dir", options.runtime_dir);
  field("accel", options.accelerator);
  field("registries", options.registries);
  field("ready_machines", options.ready_machines);
}

void describe(auto& field, Of<CreateOptions> auto& options) {
  field("pull", options.pull);
  field("start_follows", options.start_follows);
}

void describe(auto& field, Of<WarmOptions> auto& options) {
  field("pull", options.pull);
}

void describe(auto& field, Of<ListOptions> auto& options) {
  field("all", options.all);
}

void describe(auto& field, Of<RemoveOptions> auto& options) {
  field("force", options.force);
  field("volumes", options.volumes);
}

void describe(auto& field, Of<BoxPruneOptions> auto& options) {
  field("volumes", options.volumes);
  field("dry_run", options.dry_run);
}

void describe(auto& field, Of<Version> auto& version) {
  field("version", version.boxlite);
  field("commit", OrNull{version.commit});
}

void describe(auto& field, Of<SpaceUse> auto& use) {
  field("count", use.count);
  field("active", use.active);
  field("bytes", use.bytes);
  field("reclaimable_bytes", use.reclaimable_bytes);
}

void describe(auto& field, Of<DiskUsage> auto& usage) {
  field("images", usage.images);
  field("disks", usage.disks);
  field("boxes", usage.boxes);
  field("logs", usage.logs);
  field("volumes", usage.volumes);
}

void describe(auto& field, Of<HostCheck> auto& check) {
  field("name", check.name);
  field("status", check.status);
  field("detail", check.detail);
  field("remedy", OrNull{check.remedy});
}

void describe(auto& field, Of<HostReport> auto& host) {
  field("accelerator", host.accelerator);
  field("accelerator_reason", host.accelerator_reason);
  field("qemu_version", OrNull{host.qemu_version});
  field("qemu_path", OrNull{host.qemu_path});
  field("kernel_path", OrNull{host.kernel_path});
  field("host_kernel", host.host_kernel);
  field("architecture", host.architecture);
  field("cpus", host.cpus);
  field("memory_bytes", host.memory_bytes);
  field("free_disk_bytes", host.free_disk_bytes);
  field("cgroup_version", host.cgroup_version);
  field("user_namespaces", host.has_user_namespaces);
  field("checks", host.checks);
}

}  // namespace boxlite::model
