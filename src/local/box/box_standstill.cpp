// SPDX-License-Identifier: Apache-2.0
// Boxes that stand still, and waiting for one to stop.
#include "base/concat.h"
#include "box/life/status.h"
#include "linux/process/process_state.h"
#include "local/box/local_box.h"
#include "local/local_runtime.h"
#include "shimlink/shim_record.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

// The shim needs milliseconds; one that is stopped itself must not stop us.
constexpr std::chrono::milliseconds call_limit = 10s;
// As long as an emulated machine may take.
constexpr std::chrono::milliseconds boot_limit = 120s;

std::optional<int> shell_code(const wire::msg::WaitEndResponse& end) {
  if (end.has_signal()) return 128 + static_cast<int>(end.signal());
  if (end.has_exit_code()) return static_cast<int>(end.exit_code());
  return std::nullopt;
}

}  // namespace

Result<void> LocalBox::check_shim_can_answer() const {
  const auto shim = shimlink::read_shim_record(lifecycle_.paths().directory);
  if (!shim || !linux_::is_stopped(shim->shim.pid) || !linux_::is_running(shim->shim)) return {};
  return fail(Error(ErrorCode::unavailable,
                    concat("boxlite-shim (process ", shim->shim.pid, ") has been stopped by a signal"))
                  .with_remedy(concat("kill -CONT ", shim->shim.pid, ", or boxlite stop --force ", id())));
}

Result<std::shared_ptr<agentlink::Connection>> LocalBox::connect_ready(std::string_view verb,
                                                                       const Deadline& deadline) {
  auto connection = BOXLITE_TRY(connect_running(verb, deadline));
  // The process that began to start the box may have been killed: then it is still on its way up.
  auto ready = connection->call<wire::ShimWaitReady>({}, deadline.within(boot_limit));
  if (!ready) return fail(with_name(std::move(ready).error(), verb));
  return connection;
}

Result<void> LocalBox::pause() {
  const auto connection = BOXLITE_TRY(connect_ready("pause"));
  auto paused = connection->call<wire::ShimPause>({}, Deadline::after(call_limit));
  if (!paused) return fail(with_name(std::move(paused).error(), "pause"));
  return {};
}

Result<void> LocalBox::unpause() {
  const auto connection = BOXLITE_TRY(connect_ready("unpause"));
  auto resumed = connection->call<wire::ShimResume>({}, Deadline::after(call_limit));
  if (!resumed) return fail(with_name(std::move(resumed).error(), "unpause"));
  return {};
}

Result<BoxEnd> LocalBox::wait_stopped(const CallOptions& call) {
  const auto deadline = box::deadline_of(call);
  while (true) {
    const auto record = BOXLITE_TRY(lifecycle_.look());
    const auto status = box::parse_status(record.state.status);
    if (status != BoxStatus::running && status != BoxStatus::stopping) {
      return BoxEnd{.exit_code = record.state.exit_code, .failure = record.state.failure};
    }
    // The shim is asked, since a box that removes itself leaves nothing to look at.
    auto connection = connect(deadline);
    if (connection) {
      const auto end = (*connection)->call<wire::ShimWaitEnd>({}, deadline);
      if (end) {
        settle_unless_late(deadline);
        return BoxEnd{.exit_code = shell_code(*end), .failure = end->failure()};
      }
      if (deadline.has_passed()) return fail(deadline.error(concat("wait for the end of box ", id())));
    }
    // It has ended without an answer: the record will say how.
    BOXLITE_TRY(lifecycle_.wait_until_gone(deadline));
  }
}

// A caller that has waited finds the box stopped.
void LocalBox::settle_unless_late(const Deadline& deadline) {
  if (lifecycle_.wait_until_gone(deadline)) settle();
}

}  // namespace boxlite::local
