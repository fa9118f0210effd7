// SPDX-License-Identifier: Apache-2.0
#include "box/call.h"

#include <utility>

#include "base/concat.h"

namespace boxlite::box {

// Kept by the loop as well, on whose thread the timer is made and dropped.
struct Call::Alarm {
  explicit Alarm(const std::stop_token& callers) : forward(callers, [this] { source.request_stop(); }) {}
  std::stop_source source;
  std::stop_callback<std::function<void()>> forward;
  linux_::EventLoop::Timer timer;
};

Call::Call(linux_::EventLoop& loop, const CallOptions& options)
    : until_(deadline_of(options)), stop_(options.stop), progress_(options.progress), loop_(&loop) {
  if (!options.deadline) return;
  alarm_ = std::make_shared<Alarm>(options.stop);
  stop_ = alarm_->source.get_token();
  loop.post([&loop, alarm = alarm_, when = *options.deadline] {
    alarm->timer = loop.at(when, [source = alarm->source]() mutable { source.request_stop(); });
  });
}

Call::~Call() {
  if (alarm_) loop_->post([alarm = std::move(alarm_)] { alarm->timer.reset(); });
}

Result<void> Call::check() const {
  if (!is_over()) return {};
  return fail(until_.error("the call took too long"));
}

Error Call::explain(Error error) const {
  const bool is_ours = error.code() == ErrorCode::cancelled || error.code() == ErrorCode::timed_out;
  if (!is_ours || !is_over()) return error;
  const auto code = until_.is_stopped() ? ErrorCode::cancelled : ErrorCode::timed_out;
  if (error.code() == code) return error;
  return Error(code, concat(error.message(), ": ", until_.error("the call's deadline has passed").message()));
}

}  // namespace boxlite::box
