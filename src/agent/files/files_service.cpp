// SPDX-License-Identifier: Apache-2.0
#include "agent/files/files_service.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "agent/files/file_worker.h"
#include "base/concat.h"
#include "linux/process/clone3.h"
#include "linux/process/pidfd.h"
#include "wire/file_data.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t most_calls = 32;
// For a worker to take back what it has begun.
constexpr std::chrono::seconds give_up_limit(5);

void wake(WorkerChannel& shared) {
  if (!shared.memory().worker_waits.load()) return;
  const std::uint64_t one = 1;
  (void)!::write(shared.to_worker_fd(), &one, sizeof one);
}

}  // namespace

Result<void> FilesService::start(std::uint32_t stream, const wire::msg::Request& request) {
  if (!is_file_method(request.method()))
    return fail(ErrorCode::unsupported,
                concat("the agent has no method Files.", in_quotes(request.method())));
  if (calls_.size() + ending_.size() >= most_calls)
    return fail(ErrorCode::resource_exhausted,
                concat("more than ", most_calls, " calls on files at once in this box"));
  auto call = std::make_unique<Call>();
  call->stream = stream;
  call->shared = BOXLITE_TRY(WorkerChannel::create());
  BOXLITE_TRY_CONTEXT("start file worker", fork_worker(*call, request));
  calls_.emplace(stream, std::move(call));
  return {};
}

Result<void> FilesService::fork_worker(Call& call, const wire::msg::Request& request) {
  if (!cgroup_) cgroup_ = BOXLITE_TRY(container_.cgroup().make_child("files"));
  auto child = BOXLITE_TRY(linux_::clone_copy(0, cgroup_->fd()));
  if (child.pid == 0) run_file_worker(container_, *call.shared, request.method(), request.payload());
  call.pidfd = std::move(child.pidfd);
  call.stores_input = request.method() == "Unpack" || request.method() == "Write";
  call.exit_watch = BOXLITE_TRY(loop_.watch_exit(call.pidfd.get(), [this, &call] { on_exit(call); }));
  call.wake_watch = BOXLITE_TRY(loop_.watch(call.shared->to_agent_fd(), true, false,
                                            [this, &call](linux_::Readiness) { on_wake(call); }));
  return {};
}

// ---- from the worker to the client -----------------------------------------------------------------------

void FilesService::on_wake(Call& call) {
  std::uint64_t count = 0;
  (void)!::read(call.shared->to_agent_fd(), &count, sizeof count);
  return_credit(call);
  pump(call);
}

void FilesService::pump(Call& call) {
  if (call.has_ended || !send_slots(call)) return;
  auto& memory = call.shared->memory();
  if (!memory.has_result.load()) return;
  const auto length = std::min<std::size_t>(memory.result_length.load(), memory.result.size());
  // What came between the last look at the slots and the result.
  if (memory.out_filled.load() != memory.out_taken.load()) return pump(call);
  channel_.out().response(call.stream, {memory.result.data(), length});
  end(call);
}

// False: some are left, for lack of credit or room; or the worker has gone mad.
bool FilesService::send_slots(Call& call) {
  auto& memory = call.shared->memory();
  auto taken = memory.out_taken.load();
  while (taken != memory.out_filled.load()) {
    const auto index = taken % WorkerMemory::slot_count;
    const std::size_t length = memory.out_length[index].load();
    if (length == 0 || length > wire::max_data_payload) {
      wire::write_error(channel_.out(), call.stream,
                        Error(ErrorCode::internal, "the file worker has sent an invalid message"));
      end(call);
      return false;
    }
    if (call.credit.available() < length || channel_.is_full()) return false;
    auto* const payload = memory.out[index].data() + WorkerMemory::frame_room;
    auto* const frame = payload - wire::header_size;
    wire::encode({static_cast<std::uint32_t>(length), call.stream, wire::FrameType::data, 0},
                 std::span<char, wire::header_size>(frame, wire::header_size));
    channel_.send_frame({frame, wire::header_size + length});
    call.credit.take(length);
    memory.out_taken.store(++taken);
    wake(*call.shared);
  }
  return true;
}

// ---- from the client to the worker -----------------------------------------------------------------------

void FilesService::on_data(std::uint32_t stream, std::string_view payload) {
  const auto found = calls_.find(stream);
  if (found != calls_.end() && !take_input(*found->second, payload)) break_stream(*found->second);
}

bool FilesService::take_input(Call& call, std::string_view payload) {
  if (call.has_ended) return true;
  if (!call.input.receive(payload.size())) return false;
  auto& memory = call.shared->memory();
  std::size_t stored = 0;
  if (const auto bytes = wire::file_bytes(payload)) {
    if (!push_input(call, *bytes)) return false;
    stored = bytes->size();
  } else {
    const auto message = wire::parse<wire::msg::FileData>(payload);
    if (!message || !push_input(call, message->data())) return false;
    stored = message->data().size();
    if (message->end()) memory.in_ended.store(true);
  }
  wake(*call.shared);
  // What is not kept for the worker is consumed already.
  if (const auto announced = call.input.consume(payload.size() - stored); announced != 0)
    channel_.out().window(call.stream, announced);
  return true;
}

bool FilesService::push_input(Call& call, std::string_view bytes) {
  auto& memory = call.shared->memory();
  const auto written = memory.in_written.load();
  const auto read = memory.in_read.load();
  if (read > written || bytes.size() > WorkerMemory::input_bytes - (written - read)) return false;
  const auto begin = static_cast<std::size_t>(written % WorkerMemory::input_bytes);
  const auto head = std::min(bytes.size(), WorkerMemory::input_bytes - begin);
  std::memcpy(memory.in.data() + begin, bytes.data(), head);
  std::memcpy(memory.in.data(), bytes.data() + head, bytes.size() - head);
  memory.in_written.store(written + bytes.size());
  return true;
}

void FilesService::return_credit(Call& call) {
  if (call.has_ended) return;
  auto& memory = call.shared->memory();
  const auto read = std::min(memory.in_read.load(), memory.in_written.load());
  if (read <= call.returned) return;
  const auto count = static_cast<std::size_t>(read - call.returned);
  call.returned = read;
  if (const auto announced = call.input.consume(count); announced != 0)
    channel_.out().window(call.stream, announced);
}

void FilesService::on_window(std::uint32_t stream, std::uint32_t count) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  if (!found->second->credit.grant(count)) return break_stream(*found->second);
  pump(*found->second);
}

void FilesService::on_drained() {
  // end() takes calls out of the table.
  for (auto place = calls_.begin(); place != calls_.end();) {
    auto& call = *place->second;
    ++place;
    pump(call);
  }
}

// ---- the end ---------------------------------------------------------------------------------------------

void FilesService::on_exit(Call& call) {
  const auto stream = call.stream;
  const auto* const address = &call;
  const auto ended = linux_::reap(call.pidfd.get());
  // Its last words may be younger than our last look.
  pump(call);
  if (!call.has_ended && !call.shared->memory().has_result.load()) {
    const int signal = ended ? ended->signal : 0;
    wire::write_error(
        channel_.out(), call.stream,
        Error(ErrorCode::internal, concat("the file worker of the box ended early (signal ", signal, ")")));
    call.has_ended = true;
  }
  call.pidfd.reset();
  // An answer that waits for credit: the memory has all of it.
  if (!call.has_ended) return;
  ending_.erase(&call);
  // Not by the number alone: after a reconnect it may be another call's.
  const auto found = calls_.find(stream);
  if (found != calls_.end() && found->second.get() == address) calls_.erase(found);
}

// The client has its answer, or wants none. The call goes when its process has gone.
void FilesService::end(Call& call) {
  call.has_ended = true;
  call.wake_watch.reset();
  auto node = calls_.extract(call.stream);
  if (!call.pidfd.is_open()) return;
  (void)linux_::send_signal(call.pidfd.get(), SIGKILL);
  ending_.emplace(&call, std::move(node.mapped()));
}

void FilesService::give_up(Call& call) {
  if (!call.stores_input || !call.pidfd.is_open()) return end(call);
  call.shared->memory().in_abandoned.store(true);
  wake(*call.shared);
  call.has_ended = true;
  call.wake_watch.reset();
  call.kill_timer =
      loop_.after(give_up_limit, [&call] { (void)linux_::send_signal(call.pidfd.get(), SIGKILL); });
  auto node = calls_.extract(call.stream);
  ending_.emplace(&call, std::move(node.mapped()));
}

void FilesService::on_reset(std::uint32_t stream) {
  const auto found = calls_.find(stream);
  if (found != calls_.end()) give_up(*found->second);
}

void FilesService::break_stream(Call& call) {
  channel_.out().reset(call.stream);
  give_up(call);
}

void FilesService::on_disconnect() {
  while (!calls_.empty()) give_up(*calls_.begin()->second);
}

}  // namespace boxlite::agent
