// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wire/credit.h"
#include "wire/exec_output.h"
#include "wire/frame.h"
#include "wire/method.h"
#include "wire/status.h"

namespace boxlite::wire {
namespace {

// Feeds `bytes` in steps of `step` and collects the frames' payloads.
std::vector<std::string> read_in_steps(std::string_view bytes, std::size_t step) {
  FrameReader reader;
  std::vector<std::string> payloads;
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    const std::size_t count = std::min({step, room.size(), bytes.size()});
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    bytes.remove_prefix(count);
    while (true) {
      auto frame = reader.next();
      EXPECT_TRUE(frame) << frame.error().message();
      if (!frame || !*frame) break;
      payloads.emplace_back((*frame)->payload);
    }
  }
  EXPECT_TRUE(reader.is_between_frames());
  return payloads;
}

Result<std::optional<Frame>> read_one(FrameReader& reader, std::string_view bytes) {
  std::memcpy(reader.prepare().data(), bytes.data(), bytes.size());
  reader.commit(bytes.size());
  return reader.next();
}

TEST(Frame, HeaderIsBigEndianAndTenBytes) {
  FrameWriter writer;
  writer.data(0x01020305, "hi", remote_closed);
  EXPECT_EQ(writer.pending(), std::string_view("\0\0\0\2\1\2\3\5\3\1hi", 12));
}

TEST(FrameReader, FindsTheSameFramesHoweverTheBytesArrive) {
  FrameWriter writer;
  std::vector<std::string> sent{"", std::string(max_call_payload, 'r'), "x", std::string(300'000, 'y'), "z"};
  for (std::size_t i = 0; i < sent.size(); ++i)
    writer.request(static_cast<std::uint32_t>(2 * i + 1), sent[i]);
  for (const std::size_t step : {7u, 10u, 4096u, 65536u, 10'000'000u}) {
    EXPECT_EQ(read_in_steps(writer.pending(), step), sent) << "step " << step;
  }
}

TEST(FrameReader, RefusesStreamZeroUnknownTypesAndLengthsOverTheLimit) {
  for (const std::string_view bytes : {
           std::string_view("\0\0\0\0\0\0\0\0\1\0", 10),         // stream 0
           std::string_view("\0\0\0\0\0\0\0\1\0\0", 10),         // type 0
           std::string_view("\0\0\0\0\0\0\0\1\6\0", 10),         // type 6
           std::string_view("\0\x10\0\1\0\0\0\1\1\0", 10),       // request of 1 MiB + 1
           std::string_view("\0\1\0\1\0\0\0\1\3\0", 10),         // data of 64 KiB + 1
           std::string_view("\0\0\0\5\0\0\0\1\4\0", 10),         // window of 5
           std::string_view("\0\0\0\1\0\0\0\1\5\0", 10),         // reset with a payload
           std::string_view("\xff\xff\xff\xff\0\0\0\1\2\0", 10)  // 4 GiB
       }) {
    FrameReader reader;
    const auto frame = read_one(reader, bytes);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code(), ErrorCode::corrupted);
  }
}

TEST(FrameReader, StaysBrokenAfterAnError) {
  FrameReader reader;
  ASSERT_FALSE(read_one(reader, std::string_view("\0\0\0\0\0\0\0\0\1\0", 10)));
  EXPECT_FALSE(read_one(reader, std::string_view("\0\0\0\0\0\0\0\1\5\0", 10)));
}

TEST(FrameWriter, KeepsWhatWasNotYetWritten) {
  FrameWriter writer;
  writer.window(3, 0x01020304);
  writer.reset(5);
  writer.consume(header_size);
  EXPECT_EQ(writer.pending().substr(0, 4), std::string_view("\1\2\3\4", 4));
  EXPECT_EQ(*decode_window(writer.pending().substr(0, 4)), 0x01020304u);
  writer.consume(writer.size());
  EXPECT_TRUE(writer.empty());
  EXPECT_FALSE(decode_window("abc"));
}

TEST(SendCredit, GrowsByGrantsAndRefusesAnOverflow) {
  SendCredit credit;
  credit.take(initial_credit);
  EXPECT_EQ(credit.available(), 0u);
  EXPECT_TRUE(credit.grant(100));
  EXPECT_EQ(credit.available(), 100u);
  EXPECT_FALSE(credit.grant(0xffffffff));
  EXPECT_FALSE(credit.grant(max_credit));
  EXPECT_EQ(credit.available(), 100u);
}

TEST(ReceiveCredit, ReturnsInBatchesAndNoticesASenderThatIgnoresIt) {
  ReceiveCredit credit;
  EXPECT_TRUE(credit.receive(initial_credit));
  EXPECT_FALSE(credit.receive(1));
  EXPECT_EQ(credit.consume(10), 0u);
  EXPECT_FALSE(credit.receive(1)) << "credit that was not announced does not count";
  EXPECT_EQ(credit.consume(initial_credit - 10), initial_credit);
  EXPECT_TRUE(credit.receive(initial_credit));
}

TEST(Status, EveryErrorCodeSurvivesTheTrip) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::stopped); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    EXPECT_NE(to_status_code(code), 0);
    EXPECT_EQ(to_error_code(to_status_code(code)), code) << static_cast<int>(code);
  }
  EXPECT_EQ(to_error_code(99), ErrorCode::internal);
  EXPECT_EQ(to_error_code(16), ErrorCode::permission_denied);
}

TEST(Method, CarriesRequestResponseAndError) {
  FrameWriter writer;
  msg::ExecRequest request;
  request.set_id("e1");
  ASSERT_TRUE(write_request<ExecStart>(writer, 7, request));
  FrameReader reader;
  auto frame = read_one(reader, writer.pending());
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->header.flags, remote_open);
  const auto envelope = parse<msg::Request>((*frame)->payload);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->service(), ExecStart::service);
  EXPECT_EQ(envelope->method(), "Start");
  EXPECT_EQ(parse<msg::ExecRequest>(envelope->payload())->id(), "e1");

  writer.consume(writer.size());
  write_error(writer, 7, Error(ErrorCode::not_found, "no such thing").with_remedy("look elsewhere"));
  frame = read_one(reader, writer.pending());
  ASSERT_TRUE(frame && *frame);
  const auto response = parse_response<ExecWait>((*frame)->payload);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::not_found);
  EXPECT_EQ(response.error().message(), "no such thing");
  EXPECT_EQ(response.error().remedy(), "look elsewhere");
}

TEST(Method, RefusesAMessageThatDoesNotFitItsFrame) {
  FrameWriter writer;
  msg::ExecOutput output;
  output.mutable_stdout()->assign(max_data_payload, 'x');
  EXPECT_FALSE(write_data(writer, 1, output));
  EXPECT_TRUE(writer.empty());
  EXPECT_FALSE(parse<msg::ExecOutput>("\x0a\xff"));
}

TEST(ExecOutput, IsWhatProtobufWouldRead) {
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{127}, ~std::uint64_t{0}}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{200}, max_output_bytes}) {
      FrameWriter writer;
      const std::string bytes(size, '\xff');
      const auto counted = write_output(writer, 9, OutputKind::stderr_bytes, bytes, offset);
      EXPECT_EQ(counted, writer.size() - header_size);
      EXPECT_LE(counted, max_data_payload);
      const auto output = parse<msg::ExecOutput>(writer.pending().substr(header_size));
      ASSERT_TRUE(output);
      EXPECT_TRUE(output->has_stderr());
      EXPECT_EQ(output->stderr(), bytes);
      EXPECT_EQ(output->offset(), offset);
    }
  }
}

}  // namespace
}  // namespace boxlite::wire
