// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "base/concat.h"

namespace boxlite::wire {
namespace {

constexpr std::size_t read_ahead = 64u << 10;
constexpr std::size_t kept_capacity = 256u << 10;

void put_u32(char* out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = static_cast<char>((value >> shift) & 0xff);
}

std::uint32_t get_u32(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

std::size_t payload_limit(FrameType type) {
  switch (type) {
    case FrameType::request:
    case FrameType::response: return max_call_payload;
    case FrameType::data: return max_data_payload;
    case FrameType::window: return 4;
    case FrameType::reset: break;
  }
  return 0;
}

void encode(const FrameHeader& header, std::span<char, header_size> out) {
  put_u32(out.data(), header.length);
  put_u32(out.data() + 4, header.stream);
  out[8] = static_cast<char>(header.type);
  out[9] = static_cast<char>(header.flags);
}

Result<FrameHeader> decode(std::span<const char, header_size> bytes) {
  const auto type = static_cast<unsigned char>(bytes[8]);
  if (type < 1 || type > 5) return fail(ErrorCode::corrupted, concat("decode frame: unknown type ", type));
  const FrameHeader header{get_u32(bytes.data()), get_u32(bytes.data() + 4), static_cast<FrameType>(type),
                           static_cast<std::uint8_t>(bytes[9])};
  if (header.stream == 0) return fail(ErrorCode::corrupted, "decode frame: stream id 0");
  if (header.length > payload_limit(header.type)) {
    return fail(ErrorCode::corrupted,
                concat("decode frame: type ", type, " with a payload of ", header.length, " bytes"));
  }
  return header;
}

std::span<char> FrameReader::prepare() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    // One large request must not hold its megabyte for the rest of a long connection.
    if (buffer_.size() > kept_capacity) {
      buffer_.resize(read_ahead);
      buffer_.shrink_to_fit();
    }
  }
  const std::size_t held = end_ - begin_;
  const std::size_t needed = std::max(wanted_, held + 1);
  const bool is_tight = buffer_.size() - end_ < read_ahead / 4 || buffer_.size() < begin_ + needed;
  if (begin_ != 0 && is_tight) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, held);
    begin_ = 0;
    end_ = held;
  }
  if (buffer_.size() < std::max(needed, read_ahead)) buffer_.resize(std::max(needed, read_ahead));
  return {buffer_.data() + end_, buffer_.size() - end_};
}

Result<std::optional<Frame>> FrameReader::next() {
  if (broken_) return std::unexpected(*broken_);
  const std::size_t held = end_ - begin_;
  wanted_ = header_size;
  if (held < header_size) return std::nullopt;
  const char* const start = buffer_.data() + begin_;
  const auto header = decode(std::span<const char, header_size>(start, header_size));
  if (!header) {
    broken_ = header.error();
    return std::unexpected(*broken_);
  }
  wanted_ = header_size + header->length;
  if (held < wanted_) return std::nullopt;
  begin_ += wanted_;
  wanted_ = header_size;
  return Frame{*header, {start + header_size, header->length}};
}

std::span<char> FrameWriter::reserve(FrameType type, std::uint32_t stream, std::uint8_t flags,
                                     std::size_t length) {
  const std::size_t at = buffer_.size();
  buffer_.resize(at + header_size + length);
  encode({static_cast<std::uint32_t>(length), stream, type, flags},
         std::span<char, header_size>(buffer_.data() + at, header_size));
  return {buffer_.data() + at + header_size, length};
}

void FrameWriter::append(FrameHeader header, std::string_view payload) {
  const auto room = reserve(header.type, header.stream, header.flags, payload.size());
  std::copy(payload.begin(), payload.end(), room.begin());
}

void FrameWriter::request(std::uint32_t stream, std::string_view payload, std::uint8_t flags) {
  append({0, stream, FrameType::request, flags}, payload);
}

void FrameWriter::response(std::uint32_t stream, std::string_view payload) {
  append({0, stream, FrameType::response, 0}, payload);
}

void FrameWriter::data(std::uint32_t stream, std::string_view payload, std::uint8_t flags) {
  append({0, stream, FrameType::data, flags}, payload);
}

void FrameWriter::window(std::uint32_t stream, std::uint32_t bytes) {
  put_u32(reserve(FrameType::window, stream, 0, 4).data(), bytes);
}

void FrameWriter::reset(std::uint32_t stream) {
  append({0, stream, FrameType::reset, 0}, {});
}

void FrameWriter::consume(std::size_t count) {
  begin_ += count;
  if (begin_ == buffer_.size()) {
    begin_ = 0;
    if (buffer_.capacity() > kept_capacity * 4) {
      buffer_ = {};
    } else {
      buffer_.clear();
    }
  } else if (begin_ > kept_capacity) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
}

Result<std::uint32_t> decode_window(std::string_view payload) {
  if (payload.size() != 4) {
    return fail(ErrorCode::corrupted, concat("decode window: payload of ", payload.size(), " bytes"));
  }
  return get_u32(payload.data());
}

}  // namespace boxlite::wire
