// SPDX-License-Identifier: Apache-2.0
// One table per enum: the compiler refuses one that lacks an enumerator (-Wswitch). A value that is none has
// no name, which is how model::values() finds the end.
#include <boxlite/runtime.hpp>

namespace boxlite {

std::string_view name(BoxStatus status) {
  switch (status) {
    case BoxStatus::configured: return "configured";
    case BoxStatus::running: return "running";
    case BoxStatus::stopping: return "stopping";
    case BoxStatus::stopped: return "stopped";
    case BoxStatus::failed: return "failed";
    case BoxStatus::paused: return "paused";
    case BoxStatus::restarting: return "restarting";
  }
  return {};
}

std::string_view name(HealthStatus status) {
  switch (status) {
    case HealthStatus::none: return "none";
    case HealthStatus::starting: return "starting";
    case HealthStatus::healthy: return "healthy";
    case HealthStatus::unhealthy: return "unhealthy";
  }
  return {};
}

std::string_view name(MountType type) {
  switch (type) {
    case MountType::bind: return "bind";
    case MountType::volume: return "volume";
    case MountType::tmpfs: return "tmpfs";
    case MountType::socket: return "socket";
  }
  return {};
}

std::string_view name(RestartMode mode) {
  switch (mode) {
    case RestartMode::no: return "no";
    case RestartMode::on_failure: return "on-failure";
    case RestartMode::always: return "always";
    case RestartMode::unless_stopped: return "unless-stopped";
  }
  return {};
}

std::string_view name(HealthCheck::Probe probe) {
  switch (probe) {
    case HealthCheck::Probe::image: return "image";
    case HealthCheck::Probe::none: return "none";
    case HealthCheck::Probe::ping: return "ping";
    case HealthCheck::Probe::command: return "command";
  }
  return {};
}

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::internal: return "internal";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::invalid_state: return "invalid_state";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::corrupted: return "corrupted";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::stopped: return "stopped";
  }
  return {};
}

std::string_view name(PullPolicy policy) {
  switch (policy) {
    case PullPolicy::missing: return "missing";
    case PullPolicy::always: return "always";
    case PullPolicy::never: return "never";
  }
  return {};
}

std::string_view name(OutputStream stream) {
  switch (stream) {
    case OutputStream::stdout_: return "stdout";
    case OutputStream::stderr_: return "stderr";
  }
  return {};
}

std::string_view name(FileKind kind) {
  switch (kind) {
    case FileKind::file: return "file";
    case FileKind::directory: return "directory";
    case FileKind::symlink: return "symlink";
    case FileKind::char_device: return "char_device";
    case FileKind::block_device: return "block_device";
    case FileKind::fifo: return "fifo";
    case FileKind::socket: return "socket";
  }
  return {};
}

std::string_view name(FileEventKind kind) {
  switch (kind) {
    case FileEventKind::created: return "created";
    case FileEventKind::written: return "written";
    case FileEventKind::removed: return "removed";
    case FileEventKind::moved_away: return "moved_away";
    case FileEventKind::moved_here: return "moved_here";
    case FileEventKind::changed: return "changed";
    case FileEventKind::lost: return "lost";
  }
  return {};
}

std::string_view name(Accelerator accelerator) {
  switch (accelerator) {
    case Accelerator::automatic: return "auto";
    case Accelerator::kvm: return "kvm";
    case Accelerator::tcg: return "tcg";
  }
  return {};
}

std::string_view name(CheckStatus status) {
  switch (status) {
    case CheckStatus::ok: return "ok";
    case CheckStatus::warning: return "warning";
    case CheckStatus::problem: return "problem";
  }
  return {};
}

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "error";
    case LogLevel::warn: return "warn";
    case LogLevel::info: return "info";
    case LogLevel::debug: return "debug";
  }
  return {};
}

std::string_view name(PortProtocol protocol) {
  switch (protocol) {
    case PortProtocol::tcp: return "tcp";
    case PortProtocol::udp: return "udp";
  }
  return {};
}

std::string_view name(BeyondLimit beyond) {
  switch (beyond) {
    case BeyondLimit::discard: return "discard";
    case BeyondLimit::fail: return "fail";
  }
  return {};
}

}  // namespace boxlite
