// SPDX-License-Identifier: Apache-2.0
#include "wire/method.h"

#include <limits>

#include "base/concat.h"

namespace boxlite::wire {
namespace {

Result<std::uint32_t> write_message(FrameWriter& writer, FrameType type, std::uint32_t stream,
                                    std::uint8_t flags, const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  if (size > payload_limit(type)) {
    return fail(ErrorCode::invalid_argument, concat("send ", message.GetTypeName(), ": ", size,
                                                    " bytes are more than the protocol allows"));
  }
  const auto room = writer.reserve(type, stream, flags, size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(room.data()));
  return static_cast<std::uint32_t>(size);
}

}  // namespace

Result<void> write_request(FrameWriter& writer, std::uint32_t stream, std::string_view service,
                           std::string_view method, const google::protobuf::MessageLite& message,
                           bool is_streaming) {
  msg::Request envelope;
  envelope.set_service(service.data(), service.size());
  envelope.set_method(method.data(), method.size());
  message.SerializePartialToString(envelope.mutable_payload());
  BOXLITE_TRY(write_message(writer, FrameType::request, stream, is_streaming ? remote_open : 0, envelope));
  return {};
}

Result<void> write_response(FrameWriter& writer, std::uint32_t stream,
                            const google::protobuf::MessageLite& message) {
  msg::Response envelope;
  message.SerializePartialToString(envelope.mutable_payload());
  BOXLITE_TRY(write_message(writer, FrameType::response, stream, 0, envelope));
  return {};
}

void write_error(FrameWriter& writer, std::uint32_t stream, const Error& error) {
  msg::Response envelope;
  *envelope.mutable_status() = to_status(error);
  // A message built from hostile names may be large; its beginning says enough.
  constexpr std::size_t longest = 16u << 10;
  auto& text = *envelope.mutable_status()->mutable_message();
  if (text.size() > longest) text.resize(longest);
  (void)write_message(writer, FrameType::response, stream, 0, envelope);
}

Result<std::uint32_t> write_data(FrameWriter& writer, std::uint32_t stream,
                                 const google::protobuf::MessageLite& message) {
  return write_message(writer, FrameType::data, stream, 0, message);
}

Result<void> parse_message(std::string_view payload, google::protobuf::MessageLite& message) {
  if (payload.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return fail(ErrorCode::corrupted, concat("parse ", message.GetTypeName(), ": not such a message"));
  }
  return {};
}

Result<void> parse_response(std::string_view payload, google::protobuf::MessageLite& message) {
  msg::Response envelope;
  BOXLITE_TRY(parse_message(payload, envelope));
  if (envelope.status().code() != 0) return std::unexpected(to_error(envelope.status()));
  return parse_message(envelope.payload(), message);
}

}  // namespace boxlite::wire
