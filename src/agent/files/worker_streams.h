// SPDX-License-Identifier: Apache-2.0
// The worker's ends of the shared memory. They wait, as a worker may; when its client goes away the agent
// kills it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/files/worker_memory.h"
#include "base/result.h"
#include "tar/byte_sink.h"
#include "tar/byte_stream.h"
#include "wire/file_data.h"
#include "wire/messages.h"

namespace boxlite::agent {

// What a worker uses of the channel: the numbers under which it holds the eventfds.
struct WorkerEnd {
  WorkerMemory* memory;
  int to_agent_fd;
  int to_worker_fd;
};

// FileData frames towards the client, filled in place. flush() sends what is left.
class OutputFrames final : public tar::ByteSink {
 public:
  explicit OutputFrames(const WorkerEnd& end) : end_(end) {}

  Result<std::span<char>> room() override;
  Result<void> commit(std::size_t count) override;
  void flush();
  // A frame with a message of its own kind; it must fit into one.
  Result<void> send(const google::protobuf::MessageLite& message);

 private:
  char* slot();
  void hand_over(std::size_t payload);

  WorkerEnd end_;
  std::size_t filled_ = 0;  // bytes of the current frame
};

// The bytes that the client sends.
class InputBytes final : public tar::ByteStream {
 public:
  explicit InputBytes(const WorkerEnd& end) : end_(end) {}

  Result<std::string_view> next() override;

 private:
  WorkerEnd end_;
  std::uint64_t read_ = 0;
  std::uint64_t told_ = 0;
};

// The answer; the worker's last word.
void send_result(const WorkerEnd& end, const google::protobuf::MessageLite& response);
void send_result(const WorkerEnd& end, const Error& error);

}  // namespace boxlite::agent
