// SPDX-License-Identifier: Apache-2.0
// FileData streams of the guest as the archive code wants them, and descriptors of the caller. They wait.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "agentlink/connection.h"
#include "base/result.h"
#include "base/time.h"
#include "tar/byte_sink.h"
#include "tar/byte_stream.h"
#include "wire/file_data.h"

namespace boxlite::box {

// Who hears how many bytes have passed in all, and by when the work must be over.
struct Passage {
  std::function<void(std::uint64_t)> on_bytes = {};
  Deadline deadline = Deadline::never();
};

// Bytes towards the guest, in frames as large as they may be.
template <wire::StreamingMethod M>
class UploadStream final : public tar::ByteSink {
 public:
  UploadStream(agentlink::Stream<M>& stream, Passage passage)
      : stream_(stream), passage_(std::move(passage)) {
    begin_frame();
  }

  Result<std::span<char>> room() override {
    return std::span(frame_.data() + wire::file_data_head + filled_, wire::max_file_bytes - filled_);
  }
  Result<void> commit(std::size_t count) override {
    filled_ += count;
    return filled_ == wire::max_file_bytes ? flush() : Result<void>();
  }
  Result<void> flush() {
    if (filled_ == 0) return {};
    wire::put_file_data_head(frame_.data(), filled_);
    frame_.resize(wire::file_data_head + filled_);
    BOXLITE_TRY(stream_.write_payload(std::move(frame_), passage_.deadline));
    sent_ += filled_;
    begin_frame();
    if (passage_.on_bytes) passage_.on_bytes(sent_);
    return {};
  }
  // Nothing follows.
  Result<void> finish() {
    BOXLITE_TRY(flush());
    wire::msg::FileData last;
    last.set_end(true);
    return stream_.write(last, passage_.deadline);
  }

 private:
  void begin_frame() {
    frame_.resize(wire::max_data_payload);
    filled_ = 0;
  }

  agentlink::Stream<M>& stream_;
  Passage passage_;
  std::string frame_;
  std::size_t filled_ = 0;
  std::uint64_t sent_ = 0;
};

// Bytes from the guest.
template <wire::StreamingMethod M>
class DownloadStream final : public tar::ByteStream {
 public:
  DownloadStream(agentlink::Stream<M>& stream, Passage passage)
      : stream_(stream), passage_(std::move(passage)) {}

  Result<std::string_view> next() override {
    auto payload = BOXLITE_TRY(stream_.read_payload(passage_.deadline));
    if (!payload) return std::string_view();
    payload_ = *std::move(payload);
    const auto bytes = wire::file_bytes(payload_);
    if (!bytes) return fail(ErrorCode::corrupted, "the box sent a message that is no file data");
    received_ += bytes->size();
    if (passage_.on_bytes) passage_.on_bytes(received_);
    // An empty piece would look like the end.
    return bytes->empty() ? next() : Result<std::string_view>(*bytes);
  }

 private:
  agentlink::Stream<M>& stream_;
  Passage passage_;
  std::string payload_;
  std::uint64_t received_ = 0;
};

// Both also on descriptors that somebody made non-blocking. 0: the end.
Result<std::size_t> read_some(int fd, std::span<char> room, const Deadline& deadline);
Result<void> write_fully(int fd, std::string_view bytes, const Deadline& deadline);

// When work on a stream failed, the guest's own answer says more than the broken stream.
template <wire::StreamingMethod M>
Error first_cause(agentlink::Stream<M>& stream, Error error) {
  if (const auto result = stream.try_result(); result && !*result) return result->error();
  return error;
}

}  // namespace boxlite::box
