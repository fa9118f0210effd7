// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/executions.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "agent/machine/console.h"
#include "base/concat.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t kept_executions = 256;
// So that a list of all of them fits into one frame, and a client gone wild costs a bounded amount of memory.
constexpr std::size_t most_running = 3072;
constexpr std::size_t kept_memory = 16u << 20;
constexpr std::size_t longest_id = 128;
constexpr std::chrono::milliseconds tidy_pause(500);

}  // namespace

Execution* Executions::find(const std::string& id) const {
  const auto found = executions_.find(id);
  return found == executions_.end() ? nullptr : found->second.get();
}

Result<CommandCgroup> Executions::make_cgroup() {
  auto name = concat("e", next_cgroup_++);
  auto cgroup = BOXLITE_TRY_CONTEXT("make cgroup", container_.cgroup().make_child(name));
  limit_command(cgroup, container_.limits());
  return CommandCgroup{std::move(name), std::move(cgroup)};
}

Result<CommandCgroup> Executions::take_cgroup() {
  if (!spare_cgroup_) return make_cgroup();
  auto taken = std::move(*spare_cgroup_);
  spare_cgroup_.reset();
  return taken;
}

Result<void> Executions::check(const wire::msg::ExecRequest& request) const {
  if (request.id().empty() || request.id().size() > longest_id) {
    return fail(ErrorCode::invalid_argument, "start command: its id must have 1 to 128 bytes");
  }
  if (find(request.id()) != nullptr) {
    return fail(ErrorCode::already_exists,
                concat("start command: the id ", in_quotes(request.id()), " is taken"));
  }
  if (executions_.size() - ended_.size() >= most_running) {
    return fail(ErrorCode::resource_exhausted,
                concat("start command: ", most_running, " commands run in this box already"));
  }
  return {};
}

Result<void> Executions::start(std::uint32_t stream, const wire::msg::ExecRequest& request) {
  BOXLITE_TRY(check(request));
  add(stream, request, BOXLITE_TRY(request.is_main() ? start_main(request) : start_command(request)));
  return {};
}

Result<void> Executions::rehearse(std::uint32_t stream, const wire::msg::ExecRequest& request) {
  BOXLITE_TRY(check(request));
  add(stream, request, BOXLITE_TRY(request.is_main() ? start_understudy(request) : start_command(request)));
  return {};
}

void Executions::add(std::uint32_t stream, const wire::msg::ExecRequest& request,
                     std::unique_ptr<Execution> execution) {
  auto& started = *execution;
  executions_.emplace(request.id(), std::move(execution));
  streams_.emplace(stream, &started);
  wire::msg::AttachRequest from_the_beginning;
  from_the_beginning.set_use_stdin(request.use_stdin() && !request.leave_stdin());
  started.attach(stream, from_the_beginning);
  // It could not be started, and its result is on its way already.
  if (!started.is_running()) on_end(started);
}

Result<std::unique_ptr<Execution>> Executions::start_command(const wire::msg::ExecRequest& request) {
  auto cgroup = BOXLITE_TRY(take_cgroup());
  return Execution::start(loop_, channel_, container_, std::move(cgroup), request, *this);
}

Result<std::unique_ptr<Execution>> Executions::start_main(const wire::msg::ExecRequest& request) {
  auto [first, cgroup] = BOXLITE_TRY(container_.take_first_process());
  return Execution::start(loop_, channel_, container_, std::move(cgroup), request, *this, std::move(first));
}

Result<std::unique_ptr<Execution>> Executions::start_understudy(wire::msg::ExecRequest request) {
  request.set_is_main(false);
  auto cgroup = BOXLITE_TRY(take_cgroup());
  auto first = BOXLITE_TRY(container_.start_understudy(cgroup.cgroup));
  return Execution::start(loop_, channel_, container_, std::move(cgroup), request, *this, std::move(first));
}

Result<void> Executions::attach(std::uint32_t stream, const wire::msg::AttachRequest& request) {
  auto* const execution = find(request.id());
  if (execution == nullptr)
    return fail(ErrorCode::not_found, concat("no execution ", in_quotes(request.id())));
  if (request.use_stdin() && execution->stdin_is_taken()) {
    return std::unexpected(
        Error(ErrorCode::invalid_state,
              concat("attach to execution ", in_quotes(request.id()), ": another client writes its stdin"))
            .with_remedy("attach without stdin (--no-stdin), or end the client that has it"));
  }
  streams_.emplace(stream, execution);
  execution->attach(stream, request);
  return {};
}

Result<void> Executions::wait(std::uint32_t stream, const wire::msg::WaitRequest& request) {
  auto* const execution = find(request.id());
  if (execution == nullptr)
    return fail(ErrorCode::not_found, concat("no execution ", in_quotes(request.id())));
  if (!execution->is_running()) return wire::write_response(channel_.out(), stream, execution->result());
  waiters_.emplace(stream, execution);
  return {};
}

Result<wire::msg::SignalResponse> Executions::signal(const wire::msg::SignalRequest& request) {
  auto* const execution = find(request.id());
  if (execution == nullptr)
    return fail(ErrorCode::not_found, concat("no execution ", in_quotes(request.id())));
  BOXLITE_TRY(
      execution->signal(static_cast<int>(std::min(request.signal(), 0xffffu)), request.whole_group()));
  return wire::msg::SignalResponse();
}

wire::msg::ListExecsResponse Executions::list() const {
  wire::msg::ListExecsResponse response;
  std::size_t bytes = 0;
  for (const auto& [id, execution] : executions_) {
    auto& summary = *response.add_execs();
    summary = execution->summary();
    bytes += summary.result().error().size();
    for (const auto& arg : execution->args()) {
      bytes += arg.size() + id.size() + 64;
      // The whole list must fit into one frame; what is left out are arguments, never executions.
      if (bytes < wire::max_call_payload / 2) summary.add_args(arg);
    }
  }
  return response;
}

// ---- streams ---------------------------------------------------------------------------------------------

void Executions::break_stream(std::uint32_t stream) {
  on_reset(stream);
  channel_.out().reset(stream);
}

void Executions::on_data(std::uint32_t stream, std::string_view payload) {
  const auto found = streams_.find(stream);
  if (found != streams_.end() && !found->second->on_input(stream, payload)) break_stream(stream);
}

void Executions::on_window(std::uint32_t stream, std::uint32_t count) {
  const auto found = streams_.find(stream);
  if (found != streams_.end() && !found->second->on_window(stream, count)) break_stream(stream);
}

void Executions::on_reset(std::uint32_t stream) {
  waiters_.erase(stream);
  const auto node = streams_.extract(stream);
  if (!node.empty()) node.mapped()->detach(stream);
}

void Executions::on_disconnect() {
  waiters_.clear();
  const auto streams = std::exchange(streams_, {});
  for (const auto& [stream, execution] : streams) execution->detach(stream);
}

void Executions::on_drained() {
  std::vector<Execution*> waiting;
  for (const auto& [id, execution] : executions_) {
    if (execution->has_clients()) waiting.push_back(execution.get());
  }
  if (waiting.empty()) return;
  // Each time another one comes first, since the first may take all the room.
  std::ranges::rotate(waiting,
                      waiting.begin() + static_cast<std::ptrdiff_t>(next_drained_++ % waiting.size()));
  for (auto* const execution : waiting) execution->pump();
}

// ---- the end ---------------------------------------------------------------------------------------------

bool Executions::has_running() const {
  return std::ranges::any_of(executions_, [](const auto& entry) { return entry.second->is_running(); });
}

void Executions::ask_to_end(int number) {
  for (const auto& [id, execution] : executions_) {
    if (!execution->is_main() || !execution->is_running()) continue;
    if (const auto done = execution->signal(number == 0 ? SIGTERM : number, false); !done)
      log_line(done.error().message());
    return;
  }
  for (const auto& [id, execution] : executions_) (void)execution->signal(SIGTERM, true);
}

void Executions::on_end(Execution& execution) {
  std::erase_if(waiters_, [&](const auto& entry) {
    if (entry.second != &execution) return false;
    (void)wire::write_response(channel_.out(), entry.first, execution.result());
    return true;
  });
  ended_.push_back(&execution);
  with_cgroup_.push_back(&execution);
  if (execution.is_main()) on_main_end_();
  // Not now: the execution is the caller.
  loop_.post([this] { tidy(); });
}

void Executions::prepare() {
  if (spare_cgroup_) return;
  if (auto made = make_cgroup()) spare_cgroup_ = *std::move(made);
}

void Executions::forget() {
  streams_.clear();
  waiters_.clear();
  ended_.clear();
  with_cgroup_.clear();
  executions_.clear();
}

void Executions::tidy() {
  tidy_cgroups();
  prepare();
  std::size_t memory = 0;
  for (const auto* execution : ended_) memory += execution->memory();
  for (auto place = ended_.begin(); place != ended_.end() && memory > kept_memory;) {
    auto* const execution = *place++;
    if (execution->has_clients()) continue;
    memory -= execution->memory();
    execution->drop_output();
  }
  for (auto place = ended_.begin(); place != ended_.end() && ended_.size() > kept_executions;) {
    auto* const execution = *place;
    if (execution->has_clients()) {
      ++place;
      continue;
    }
    place = ended_.erase(place);
    with_cgroup_.remove(execution);
    executions_.erase(execution->id());
  }
}

// Processes may outlive their command; their cgroup goes when they have gone.
void Executions::tidy_cgroups() {
  std::erase_if(with_cgroup_, [](Execution* execution) { return execution->tidy_cgroup(); });
  if (!with_cgroup_.empty()) tidy_timer_ = loop_.after(tidy_pause, [this] { tidy_cgroups(); });
}

}  // namespace boxlite::agent
