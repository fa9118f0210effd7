// SPDX-License-Identifier: Apache-2.0
#include "agent/files/worker_streams.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "base/concat.h"
#include "wire/status.h"

namespace boxlite::agent {
namespace {

void wake(int eventfd) {
  const std::uint64_t one = 1;
  while (::write(eventfd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

template <typename Condition>
void wait_until(const WorkerEnd& end, Condition condition) {
  while (!condition()) {
    end.memory->worker_waits.store(true);
    // The agent may have done its part before it could know that somebody waits.
    if (!condition()) {
      std::uint64_t count = 0;
      (void)!::read(end.to_worker_fd, &count, sizeof count);
    }
    end.memory->worker_waits.store(false);
  }
}

}  // namespace

// ---- output ----------------------------------------------------------------------------------------------

char* OutputFrames::slot() {
  auto& memory = *end_.memory;
  const auto filled = memory.out_filled.load();
  wait_until(end_, [&] { return filled - memory.out_taken.load() < WorkerMemory::slot_count; });
  return memory.out[filled % WorkerMemory::slot_count].data() + WorkerMemory::frame_room;
}

void OutputFrames::hand_over(std::size_t payload) {
  auto& memory = *end_.memory;
  const auto filled = memory.out_filled.load();
  memory.out_length[filled % WorkerMemory::slot_count].store(static_cast<std::uint32_t>(payload));
  memory.out_filled.store(filled + 1);
  wake(end_.to_agent_fd);
}

Result<std::span<char>> OutputFrames::room() {
  return std::span(slot() + wire::file_data_head + filled_, wire::max_file_bytes - filled_);
}

Result<void> OutputFrames::commit(std::size_t count) {
  filled_ += count;
  if (filled_ == wire::max_file_bytes) flush();
  return {};
}

void OutputFrames::flush() {
  if (filled_ == 0) return;
  wire::put_file_data_head(slot(), filled_);
  hand_over(wire::file_data_head + filled_);
  filled_ = 0;
}

Result<void> OutputFrames::send(const google::protobuf::MessageLite& message) {
  const auto size = message.ByteSizeLong();
  if (size > wire::max_data_payload) {
    return fail(ErrorCode::resource_exhausted,
                concat("send ", message.GetTypeName(), ": ", size, " bytes are too many"));
  }
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(slot()));
  hand_over(size);
  return {};
}

// ---- input -----------------------------------------------------------------------------------------------

Result<std::string_view> InputBytes::next() {
  auto& memory = *end_.memory;
  memory.in_read.store(read_);
  const auto unread = [&] { return memory.in_written.load() - read_; };
  // The client gets credit back in pieces of this size; told more often, the agent would only be woken.
  constexpr std::uint64_t piece = wire::initial_credit / 4;
  if (read_ - told_ >= piece || (unread() == 0 && read_ != told_)) {
    told_ = read_;
    wake(end_.to_agent_fd);
  }
  wait_until(end_, [&] { return unread() != 0 || memory.in_ended.load() || memory.in_abandoned.load(); });
  if (memory.in_abandoned.load()) return fail(ErrorCode::cancelled, "the client has gone");
  const auto begin = static_cast<std::size_t>(read_ % WorkerMemory::input_bytes);
  const auto count = std::min<std::uint64_t>({unread(), WorkerMemory::input_bytes - begin, piece});
  read_ += count;
  return std::string_view(memory.in.data() + begin, static_cast<std::size_t>(count));
}

// ---- the end ---------------------------------------------------------------------------------------------

namespace {

void send_envelope(const WorkerEnd& end, const wire::msg::Response& envelope) {
  auto& memory = *end.memory;
  const auto size = envelope.ByteSizeLong();
  if (size > memory.result.size()) {
    return send_result(end, Error(ErrorCode::resource_exhausted, "the answer is too long"));
  }
  envelope.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(memory.result.data()));
  memory.result_length.store(static_cast<std::uint32_t>(size));
  memory.has_result.store(true);
  wake(end.to_agent_fd);
}

}  // namespace

void send_result(const WorkerEnd& end, const google::protobuf::MessageLite& response) {
  wire::msg::Response envelope;
  response.SerializePartialToString(envelope.mutable_payload());
  send_envelope(end, envelope);
}

void send_result(const WorkerEnd& end, const Error& error) {
  wire::msg::Response envelope;
  *envelope.mutable_status() = wire::to_status(error);
  constexpr std::size_t longest = 16u << 10;
  auto& text = *envelope.mutable_status()->mutable_message();
  if (text.size() > longest) text.resize(longest);
  send_envelope(end, envelope);
}

}  // namespace boxlite::agent
