// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "backend/network_log.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "box/box_paths.h"
#include "netpolicy/audit_reader.h"

namespace boxlite::local {

// The network log of a box on this host, read from its directory: no machine and no other process is asked.
// Thread-safe.
class LocalNetworkLog final : public backend::NetworkLog {
 public:
  LocalNetworkLog(const box::BoxPaths& paths, const NetworkLogOptions& options);

  Result<std::optional<NetworkRecord>> next(const CallOptions& call) override;

 private:
  std::optional<netpolicy::AuditRecord> take();
  bool is_over();
  void wait(const Deadline& deadline);

  const box::BoxPaths paths_;
  const NetworkLogOptions options_;

  std::mutex mutex_;
  netpolicy::AuditReader reader_;
  std::deque<netpolicy::AuditRecord> tail_;
  bool box_has_ended_ = false;
  bool is_done_ = false;
  UniqueFd changes_;  // inotify
};

}  // namespace boxlite::local
