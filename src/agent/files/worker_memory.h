// SPDX-License-Identifier: Apache-2.0
// The memory that the agent shares with one file worker: bytes pass without a copy or a system call of their
// own. Each counter is written by one side. The agent takes nothing in it on trust: a worker works on files
// that hostile programs made.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "wire/credit.h"
#include "wire/frame.h"

namespace boxlite::agent {

struct WorkerMemory {
  static constexpr std::size_t slot_count = 4;
  static constexpr std::size_t frame_room = 16;  // before each payload, for the frame's header
  static constexpr std::size_t input_bytes = wire::initial_credit;
  static constexpr std::size_t result_bytes = 64u << 10;

  // Output: whole payloads of data frames.
  std::atomic<std::uint32_t> out_filled;  // by the worker
  std::atomic<std::uint32_t> out_taken;   // by the agent
  std::array<std::atomic<std::uint32_t>, slot_count> out_length;

  // Input: a ring of bytes, as large as the client's credit.
  std::atomic<std::uint64_t> in_written;  // by the agent
  std::atomic<std::uint64_t> in_read;     // by the worker
  std::atomic<bool> in_ended;
  std::atomic<bool> in_abandoned;  // nothing more comes, and what did come is not wanted

  std::atomic<bool> worker_waits;
  std::atomic<bool> has_result;
  std::atomic<std::uint32_t> result_length;

  alignas(64) std::array<char, result_bytes> result;  // the payload of the response frame
  std::array<char, input_bytes> in;
  std::array<std::array<char, frame_room + wire::max_data_payload>, slot_count> out;
};

// A mapping of it, and the two eventfds that wake the sides. Inherited by fork.
class WorkerChannel {
 public:
  static Result<WorkerChannel> create();

  WorkerMemory& memory() const { return *memory_; }
  int to_agent_fd() const { return to_agent_.get(); }
  int to_worker_fd() const { return to_worker_.get(); }

 private:
  struct Unmap {
    void operator()(WorkerMemory* memory) const;
  };
  WorkerChannel(std::unique_ptr<WorkerMemory, Unmap> memory, UniqueFd to_agent, UniqueFd to_worker)
      : memory_(std::move(memory)), to_agent_(std::move(to_agent)), to_worker_(std::move(to_worker)) {}

  std::unique_ptr<WorkerMemory, Unmap> memory_;
  UniqueFd to_agent_;
  UniqueFd to_worker_;
};

}  // namespace boxlite::agent
