// SPDX-License-Identifier: Apache-2.0
#include "api/communication.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/concat.h"
#include "base/result.h"
#include "base/thread.h"

namespace boxlite {

Communication::Communication(std::shared_ptr<backend::Execution> execution, const OutputOptions& options)
    : execution_(std::move(execution)), options_(options) {}

Result<Output> Communication::run(std::span<const std::byte> input, const CallOptions& call) {
  read(OutputStream::stdout_);
  read(OutputStream::stderr_);
  execution_->wait_async([self = shared_from_this()](Result<ExitStatus> status) {
    const std::lock_guard lock(self->mutex_);
    if (status)
      self->end_ = *status;
    else if (!self->failure_)
      self->failure_ = std::move(status).error();
    self->changed_.notify_all();
  });
  auto writer = start_thread([execution = execution_, input] {
    // Whether a command reads its input is its own business.
    if (!input.empty()) (void)execution->write_stdin(input, {});
    (void)execution->close_stdin();
  });
  auto outcome = this->outcome(call);
  if (!outcome) execution_->abandon();
  writer.join();
  return outcome;
}

void Communication::read(OutputStream stream) {
  execution_->read_async(stream, [self = shared_from_this(), stream](Result<std::vector<std::byte>> bytes) {
    self->take(stream, std::move(bytes));
  });
}

void Communication::take(OutputStream stream, Result<std::vector<std::byte>> bytes) {
  const bool is_at_end = !bytes || bytes->empty();
  {
    const std::lock_guard lock(mutex_);
    if (!bytes && !failure_) failure_ = bytes.error();
    if (is_at_end)
      --open_streams_;
    else
      keep_locked(stream, *bytes);
    if (is_over_locked()) changed_.notify_all();
    if (failure_) return;
  }
  if (!is_at_end) read(stream);
}

void Communication::keep_locked(OutputStream stream, const std::vector<std::byte>& bytes) {
  const bool is_stdout = stream == OutputStream::stdout_;
  auto& text = is_stdout ? output_.stdout_text : output_.stderr_text;
  (is_stdout ? output_.stdout_bytes : output_.stderr_bytes) += bytes.size();
  const auto kept = std::min(bytes.size(), options_.limit - text.size());
  text.append(reinterpret_cast<const char*>(bytes.data()), kept);
  if (kept < bytes.size() && options_.beyond == BeyondLimit::fail && !failure_)
    failure_ = Error(ErrorCode::resource_exhausted,
                     concat("the command wrote more than ", options_.limit, " bytes to ",
                            is_stdout ? "standard output" : "standard error"));
}

Result<Output> Communication::outcome(const CallOptions& call) {
  std::unique_lock lock(mutex_);
  const auto is_over = [this] { return is_over_locked(); };
  const bool has_ended = call.deadline ? changed_.wait_until(lock, call.stop, *call.deadline, is_over)
                                       : changed_.wait(lock, call.stop, is_over);
  if (failure_) return std::unexpected(*failure_);
  if (has_ended) {
    output_.status = *end_;
    return std::move(output_);
  }
  if (call.stop.stop_requested()) return fail(ErrorCode::cancelled, "the call was stopped");
  return fail(ErrorCode::timed_out, "the command has not ended before the deadline");
}

}  // namespace boxlite
