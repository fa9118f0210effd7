// SPDX-License-Identifier: Apache-2.0
// Commands: what is asked of one, and how it goes.
#pragma once

#include <boxlite/execution.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<TerminalSize> auto& size) {
  field("rows", size.rows);
  field("columns", size.columns);
}

void describe(auto& field, Of<ExecSpec> auto& exec) {
  field("command", exec.command);
  field("env", exec.env);
  field("working_dir", exec.working_dir);
  field("user", exec.user);
  field("use_stdin", exec.use_stdin);
  field("terminal", exec.terminal);
  field("timeout_ms", exec.timeout);
  field("privileged", exec.privileged);
}

void describe(auto& field, Of<ExitStatus> auto& status) {
  field("exit_code", status.exit_code);
  field("signal", status.signal);
  field("timed_out", status.timed_out);
  field("oom_killed", status.oom_killed);
  field("reason", status.reason);
  field("started_at", OrNull{status.started_at});
  field("ended_at", OrNull{status.ended_at});
  field("cpu_ns", status.cpu_time);
  field("peak_memory_bytes", status.peak_memory_bytes);
}

void describe(auto& field, Of<AttachOptions> auto& options) {
  field("stdout_offset", options.stdout_offset);
  field("stderr_offset", options.stderr_offset);
  field("use_stdin", options.use_stdin);
}

void describe(auto& field, Of<ExecutionInfo> auto& execution) {
  field("id", execution.id);
  field("command", execution.command);
  field("is_main", execution.is_main);
  field("pid", execution.pid);
  field("started_at", OrNull{execution.started_at});
  field("has_terminal", execution.has_terminal);
  field("has_stdin", execution.has_stdin);
  field("stdin_is_taken", execution.stdin_is_taken);
  field("stdout_bytes", execution.stdout_bytes);
  field("stderr_bytes", execution.stderr_bytes);
  field("status", execution.status);
}

void describe(auto& field, Of<OutputOptions> auto& options) {
  field("limit", options.limit);
  field("beyond", options.beyond);
}

void describe(auto& field, Of<Output> auto& output) {
  field("stdout_text", output.stdout_text);
  field("stderr_text", output.stderr_text);
  field("stdout_bytes", output.stdout_bytes);
  field("stderr_bytes", output.stderr_bytes);
  field("status", output.status);
}

}  // namespace boxlite::model
