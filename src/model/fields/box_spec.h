// SPDX-License-Identifier: Apache-2.0
// What a box is made of. Homes hold these keys: they stay.
#pragma once

#include <boxlite/box_spec.hpp>

#include "model/fields/network.h"
#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<CapabilityChanges> auto& changes) {
  field("cap_add", changes.add);
  field("cap_drop", changes.drop);
}

void describe(auto& field, Of<Mount> auto& mount) {
  field("type", mount.type);
  field("source", mount.source);
  field("target", mount.target);
  field("read_only", mount.read_only);
  field("no_copy", mount.no_copy);
  field("tmpfs_bytes", mount.tmpfs_bytes);
  field("tmpfs_mode", mount.tmpfs_mode);
  field("tmpfs_uid", mount.tmpfs_uid);
  field("tmpfs_gid", mount.tmpfs_gid);
  field("tmpfs_exec", mount.tmpfs_exec);
  field("tmpfs_suid", mount.tmpfs_suid);
  field("tmpfs_dev", mount.tmpfs_dev);
  field("is_anonymous", mount.is_anonymous);
}

void describe(auto& field, Of<Ulimit> auto& limit) {
  field("name", limit.name);
  field("soft", limit.soft);
  field("hard", limit.hard);
}

void describe(auto& field, Of<RestartPolicy> auto& policy) {
  field("mode", KnownWord{policy.mode});
  field("max_retries", policy.max_retries);
}

void describe(auto& field, Of<LogLimits> auto& limits) {
  field("log_file_bytes", limits.file_bytes);
  field("log_files", limits.files);
}

void describe(auto& field, Of<HealthCheck> auto& check) {
  field("probe", KnownWord{check.probe});
  field("command", check.command);
  field("interval_ms", check.interval);
  field("timeout_ms", check.timeout);
  field("start_period_ms", check.start_period);
  field("retries", check.retries);
}

// The value is not here: no JSON of ours tells a secret.
void describe(auto& field, Of<Secret> auto& secret) {
  field("name", secret.name);
  field("hosts", secret.hosts);
  field("placeholder", secret.placeholder);
}

void describe(auto& field, Of<BoxSpec> auto& spec) {
  field("image", spec.image);
  field("name", spec.name);
  field("platform", spec.platform);
  field("labels", spec.labels);
  field("cpus", spec.cpus);
  field("memory_mib", spec.memory_mib);
  field("disk_size_gib", spec.disk_size_gib);
  field("entrypoint", spec.entrypoint);
  field("command", spec.command);
  field("use_stdin", spec.use_stdin);
  field("terminal", spec.terminal);
  field("env", spec.env);
  field("working_dir", spec.working_dir);
  field("user", spec.user);
  field("hostname", spec.hostname);
  describe(field, spec.capabilities);
  field("privileged", spec.privileged);
  field("ulimits", spec.ulimits);
  field("read_only", spec.read_only);
  field("shm_bytes", spec.shm_bytes);
  field("init", spec.init);
  field("systemd", spec.systemd);
  field("stop_signal", spec.stop_signal);
  field("stop_timeout_ms", spec.stop_timeout);
  field("network", spec.network);
  field("secrets", spec.secrets);
  field("secret_authorities", spec.secret_authorities);
  field("authorities", spec.authorities);
  field("mounts", spec.mounts);
  field("folder_owner", spec.folder_owner);
  field("detach", spec.detach);
  field("auto_remove", spec.auto_remove);
  field("restart", spec.restart);
  describe(field, spec.logs);
  field("health", spec.health);
  field("auto_stop_ms", spec.auto_stop);
  field("auto_delete_ms", spec.auto_delete);
  field("start_timeout_ms", spec.start_timeout);
  field("cold_start", spec.cold_start);
}

}  // namespace boxlite::model
