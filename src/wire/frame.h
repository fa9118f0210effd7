// SPDX-License-Identifier: Apache-2.0
// The frames of docs/reference/guest-protocol.md: ttRPC's 10-byte header, big endian, then the payload. Pure
// bytes in, bytes out; one thread at a time per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::wire {

enum class FrameType : std::uint8_t { request = 1, response = 2, data = 3, window = 4, reset = 5 };

inline constexpr std::uint8_t remote_closed = 1;  // the sender sends no more data on the stream
inline constexpr std::uint8_t remote_open = 2;    // data of the sender will follow
inline constexpr std::uint8_t no_data = 4;        // the payload carries no message

inline constexpr std::size_t header_size = 10;
inline constexpr std::size_t max_call_payload = 1u << 20;  // of a request or a response
inline constexpr std::size_t max_data_payload = 64u << 10;

// The largest payload a frame of this type may have.
std::size_t payload_limit(FrameType type);

struct FrameHeader {
  std::uint32_t length = 0;
  std::uint32_t stream = 0;
  FrameType type = FrameType::reset;
  std::uint8_t flags = 0;

  bool operator==(const FrameHeader&) const = default;
};

void encode(const FrameHeader& header, std::span<char, header_size> out);
// Refuses (corrupted) stream 0, unknown types and lengths over the type's limit.
Result<FrameHeader> decode(std::span<const char, header_size> bytes);

struct Frame {
  FrameHeader header;
  std::string_view payload;
};

// Cuts frames out of a byte stream. The buffer grows to what one frame needs, at most max_call_payload and a
// header. After an error the stream cannot be understood any more: every further call gives the same error.
//   const auto room = reader.prepare();  n = read(fd, room.data(), room.size());  reader.commit(n);
//   while (auto frame = BOXLITE_TRY(reader.next())) …
class FrameReader {
 public:
  // Room for more bytes, never empty. Invalidates the payload of the last frame.
  std::span<char> prepare();
  void commit(std::size_t count) { end_ += count; }

  // The next whole frame, or nothing when more bytes are needed. Its payload lives until the next prepare().
  Result<std::optional<Frame>> next();

  // Whether the stream stands between two frames: its end would lose nothing.
  bool is_between_frames() const { return begin_ == end_; }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t wanted_ = header_size;  // the whole size of the frame that begins at begin_, as far as known
  std::optional<Error> broken_;
};

// Frames waiting to be written. The caller writes pending() to its descriptor and reports what went.
class FrameWriter {
 public:
  void request(std::uint32_t stream, std::string_view payload, std::uint8_t flags = 0);
  void response(std::uint32_t stream, std::string_view payload);
  void data(std::uint32_t stream, std::string_view payload, std::uint8_t flags = 0);
  void window(std::uint32_t stream, std::uint32_t bytes);
  void reset(std::uint32_t stream);
  // A frame as it was received, under another stream id if need be: what a multiplexer does.
  void append(FrameHeader header, std::string_view payload);

  // Bytes of frames that were encoded elsewhere, in order.
  void raw(std::string_view bytes) { buffer_ += bytes; }

  // A frame of `length` payload bytes that the caller fills in before anything else happens to the writer.
  std::span<char> reserve(FrameType type, std::uint32_t stream, std::uint8_t flags, std::size_t length);

  std::string_view pending() const { return std::string_view(buffer_).substr(begin_); }
  std::size_t size() const { return buffer_.size() - begin_; }
  bool empty() const { return size() == 0; }
  void consume(std::size_t count);

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
};

// The byte count of a window frame; corrupted when the payload is not one.
Result<std::uint32_t> decode_window(std::string_view payload);

}  // namespace boxlite::wire
