// SPDX-License-Identifier: Apache-2.0
// A box as it is, and what may be said when it is started, stopped and read. Homes hold StartStage: its keys
// stay.
#pragma once

#include <boxlite/box.hpp>
#include <boxlite/logs.hpp>

#include "model/fields/box_spec.h"
#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<StartStage> auto& stage) {
  field("name", stage.name);
  field("us", stage.duration);
}

void describe(auto& field, Of<HealthReport> auto& report) {
  field("status", report.status);
  field("failures", report.failures);
  field("last_output", report.last_output);
}

void describe(auto& field, Of<DiskReport> auto& report) {
  field("errors", report.errors);
  field("last_error", OrNull{report.last_error});
  field("is_read_only", report.is_read_only);
}

void describe(auto& field, Of<BoxEnd> auto& end) {
  field("exit_code", end.exit_code);
  field("failure", OrNull{end.failure});
}

void describe(auto& field, Of<BoxInfo> auto& box) {
  field("id", box.id);
  field("spec", box.spec);
  field("status", box.status);
  field("image_digest", OrNull{box.image_digest});
  field("created_at", OrNull{box.created_at});
  field("started_at", OrNull{box.started_at});
  field("stopped_at", OrNull{box.stopped_at});
  field("exit_code", box.exit_code);
  field("oom_killed", box.oom_killed);
  field("failure", OrNull{box.failure});
  field("shim_pid", box.shim_pid);
  field("vmm_pid", box.vmm_pid);
  field("ports", box.ports);
  field("restart_count", box.restart_count);
  field("health", box.health);
  field("disk", box.disk);
  field("accelerator", OrNull{box.accelerator});
  field("kernel_release", OrNull{box.kernel_release});
  field("start_stages", box.start_stages);
  field("disk_bytes", box.disk_bytes);
  field("directory", box.directory);
}

void describe(auto& field, Of<StopOptions> auto& options) {
  field("grace_ms", options.grace);
  field("signal", options.signal);
  field("force", options.force);
}

void describe(auto& field, Of<StartOptions> auto& options) {
  field("detach", options.detach);
}

void describe(auto& field, Of<Progress> auto& progress) {
  field("stage", progress.stage);
  field("detail", progress.detail);
  field("done", progress.done);
  field("total", progress.total);
}

void describe(auto& field, Of<LogOptions> auto& options) {
  field("follow", options.follow);
  field("tail", options.tail);
  field("since", options.since);
  field("until", options.until);
  field("stream", options.stream);
  field("console", options.console);
}

void describe(auto& field, Of<LogRecord> auto& record) {
  field("stream", record.stream);
  field("time", record.time);
  field("bytes", record.bytes);
  field("lost_bytes", record.lost_bytes);
  field("is_gap", record.is_gap);
}

}  // namespace boxlite::model
