// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <boxlite/execution.hpp>

#include "backend/execution.h"

namespace boxlite {

// Execution::communicate: both streams are read on the Runtime's I/O thread, stdin is written by a thread of
// its own, and the caller waits for all of them. For one call.
class Communication : public std::enable_shared_from_this<Communication> {
 public:
  Communication(std::shared_ptr<backend::Execution> execution, const OutputOptions& options);

  Result<Output> run(std::span<const std::byte> input, const CallOptions& call);

 private:
  void read(OutputStream stream);
  void take(OutputStream stream, Result<std::vector<std::byte>> bytes);
  void keep_locked(OutputStream stream, const std::vector<std::byte>& bytes);
  bool is_over_locked() const { return failure_ || (end_ && open_streams_ == 0); }
  Result<Output> outcome(const CallOptions& call);

  const std::shared_ptr<backend::Execution> execution_;
  const OutputOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Output output_;
  int open_streams_ = 2;
  std::optional<ExitStatus> end_;
  std::optional<Error> failure_;
};

}  // namespace boxlite
