// SPDX-License-Identifier: Apache-2.0
#include "agentlink/connection.h"

#include <map>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/concat.h"
#include "linux/sockets/unix_socket.h"

namespace boxlite::agentlink {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::FrameType;

Deadline soon() {
  return Deadline::after(seconds(10));
}

// The other end, speaking real frames, driven step by step by the test.
class FakeServer {
 public:
  explicit FakeServer(UniqueFd socket) : socket_(std::move(socket)) {
    const timeval limit{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  struct Received {
    wire::FrameHeader header;
    std::string payload;
  };
  // The next frame; stream 0 when the client has gone or 10 s have passed.
  Received next() {
    while (true) {
      const auto frame = reader_.next();
      if (frame && *frame) return {(*frame)->header, std::string((*frame)->payload)};
      const auto room = reader_.prepare();
      const auto count = ::recv(socket_.get(), room.data(), room.size(), 0);
      if (count <= 0) return {};
      reader_.commit(static_cast<std::size_t>(count));
    }
  }
  bool has_frame() {
    pollfd entry{socket_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 50) == 1;
  }
  wire::FrameWriter& out() { return writer_; }
  void flush() {
    while (!writer_.empty()) {
      const auto bytes = writer_.pending();
      const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(count, 0);
      writer_.consume(static_cast<std::size_t>(count));
    }
  }
  void answer(std::uint32_t stream, const google::protobuf::MessageLite& message) {
    ASSERT_TRUE(wire::write_response(writer_, stream, message));
    flush();
  }
  void output(std::uint32_t stream, std::string_view text) {
    wire::msg::ExecOutput message;
    message.set_stdout(text.data(), text.size());
    ASSERT_TRUE(wire::write_data(writer_, stream, message));
    flush();
  }
  void hang_up() { socket_.reset(); }

 private:
  UniqueFd socket_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : loop_(*linux_::EventLoop::create()), thread_([this] { (void)loop_->run(); }) {
    auto pair = *linux_::unix_socket_pair();
    connection_ = *Connection::adopt(*loop_, std::move(pair.first));
    server_.emplace(std::move(pair.second));
  }
  ~ConnectionTest() override {
    connection_.reset();
    loop_->stop();
    thread_.join();
  }

  Stream<wire::ExecStart> open() {
    wire::msg::ExecRequest request;
    request.set_id("e");
    return std::move(*connection_->open<wire::ExecStart>(request));
  }

  std::unique_ptr<linux_::EventLoop> loop_;
  std::thread thread_;
  std::shared_ptr<Connection> connection_;
  std::optional<FakeServer> server_;
};

TEST_F(ConnectionTest, CallsAndGetsTheAnswer) {
  std::thread peer([&] {
    const auto request = server_->next();
    const auto envelope = wire::parse<wire::msg::Request>(request.payload);
    ASSERT_TRUE(envelope);
    EXPECT_EQ(envelope->service(), wire::guest_service);
    EXPECT_EQ(envelope->method(), "Hello");
    wire::msg::HelloResponse response;
    response.set_kernel_release("6.12");
    server_->answer(request.header.stream, response);
  });
  const auto hello = connection_->call<wire::GuestHello>({}, soon());
  peer.join();
  ASSERT_TRUE(hello) << hello.error().message();
  EXPECT_EQ(hello->kernel_release(), "6.12");
}

TEST_F(ConnectionTest, GivesTheErrorOfTheStatus) {
  std::thread peer([&] {
    const auto request = server_->next();
    wire::write_error(server_->out(), request.header.stream, Error(ErrorCode::not_found, "no such exec"));
    server_->flush();
  });
  const auto answer = connection_->call<wire::ExecWait>({}, soon());
  peer.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::not_found);
  EXPECT_EQ(answer.error().message(), "no such exec");
}

TEST_F(ConnectionTest, GivesUpACallAtItsDeadlineAndTellsThePeer) {
  const auto answer = connection_->call<wire::GuestPing>({}, Deadline::after(milliseconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::timed_out);
  const auto request = server_->next();
  EXPECT_EQ(request.header.type, FrameType::request);
  const auto reset = server_->next();
  EXPECT_EQ(reset.header.type, FrameType::reset);
  EXPECT_EQ(reset.header.stream, request.header.stream);
}

TEST_F(ConnectionTest, CallsBackOnTheLoopAlsoAtTheDeadline) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<ErrorCode> code;
  connection_->call<wire::GuestPing>({}, Deadline::after(milliseconds(20)),
                                     [&](Result<wire::msg::PingResponse> answer) {
                                       const std::lock_guard lock(mutex);
                                       code = answer ? ErrorCode::internal : answer.error().code();
                                       changed.notify_all();
                                     });
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, seconds(10), [&] { return code.has_value(); }));
  EXPECT_EQ(code, ErrorCode::timed_out);
}

TEST_F(ConnectionTest, EndsEverythingWithStoppedWhenThePeerGoes) {
  auto stream = open();
  std::thread peer([&] {
    (void)server_->next();
    (void)server_->next();
    server_->hang_up();
  });
  const auto answer = connection_->call<wire::GuestPing>({}, soon());
  peer.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::stopped);
  EXPECT_EQ(stream.result(soon()).error().code(), ErrorCode::stopped);
  EXPECT_EQ(stream.write({}, soon()).error().code(), ErrorCode::stopped);
  EXPECT_FALSE(connection_->is_open());
  EXPECT_EQ(connection_->call<wire::GuestPing>({}, soon()).error().code(), ErrorCode::stopped);
  EXPECT_EQ(open().result(soon()).error().code(), ErrorCode::stopped);
}

TEST_F(ConnectionTest, StreamsOutputInOrderAndThenTheResult) {
  auto stream = open();
  const auto request = server_->next();
  EXPECT_EQ(request.header.flags, wire::remote_open);
  server_->output(request.header.stream, "one");
  server_->output(request.header.stream, "two");
  wire::msg::ExecResult result;
  result.set_exit_code(3);
  server_->answer(request.header.stream, result);
  EXPECT_EQ((*stream.read(soon()))->stdout(), "one");
  EXPECT_EQ((*stream.read(soon()))->stdout(), "two");
  EXPECT_FALSE(stream.read(soon())->has_value());
  EXPECT_EQ(stream.result(soon())->exit_code(), 3u);
  EXPECT_EQ(stream.write({}, soon()).error().code(), ErrorCode::invalid_state);
}

TEST_F(ConnectionTest, ReturnsCreditOnlyForWhatWasRead) {
  auto stream = open();
  const auto id = server_->next().header.stream;
  const std::string chunk(32u << 10, 'x');
  std::size_t sent = 0;
  // The whole credit, message overhead included.
  while (sent + chunk.size() + 16 <= wire::initial_credit) {
    server_->output(id, chunk);
    sent += chunk.size() + 16;
  }
  EXPECT_FALSE(server_->has_frame()) << "nothing was read yet";
  std::uint32_t returned = 0;
  while (returned == 0) {
    ASSERT_TRUE(stream.read(soon()).value().has_value());
    if (server_->has_frame()) {
      const auto window = server_->next();
      ASSERT_EQ(window.header.type, FrameType::window);
      returned = *wire::decode_window(window.payload);
    }
  }
  EXPECT_GE(returned, wire::initial_credit / 4);
}

TEST_F(ConnectionTest, ResetsAStreamWhosePeerExceedsItsCredit) {
  auto stream = open();
  const auto id = server_->next().header.stream;
  const std::string chunk(60u << 10, 'x');
  for (int i = 0; i < 5; ++i) server_->output(id, chunk);
  const auto reset = server_->next();
  EXPECT_EQ(reset.header.type, FrameType::reset);
  EXPECT_EQ(reset.header.stream, id);
  EXPECT_EQ(stream.result(soon()).error().code(), ErrorCode::corrupted);
}

TEST_F(ConnectionTest, MakesAWriterWaitForCredit) {
  auto stream = open();
  const auto id = server_->next().header.stream;
  wire::msg::ExecInput input;
  input.set_stdin(std::string(32u << 10, 'i'));
  std::size_t accepted = 0;
  while (*stream.try_write(input)) ++accepted;
  EXPECT_EQ(accepted, 7u) << "7 x (32 KiB and a few bytes) fit into 256 KiB";
  const auto full = stream.write(input, Deadline::after(milliseconds(20)));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code(), ErrorCode::timed_out);
  std::thread peer([&] {
    server_->out().window(id, 64u << 10);
    server_->flush();
  });
  EXPECT_TRUE(stream.write(input, soon()));
  peer.join();
  input.set_stdin(std::string(65u << 10, 'i'));
  EXPECT_EQ(stream.write(input, soon()).error().code(), ErrorCode::invalid_argument);
}

TEST_F(ConnectionTest, ResetsADroppedStream) {
  std::uint32_t id = 0;
  {
    const auto stream = open();
    id = server_->next().header.stream;
  }
  const auto reset = server_->next();
  EXPECT_EQ(reset.header.type, FrameType::reset);
  EXPECT_EQ(reset.header.stream, id);
  // What was under way does no harm.
  server_->output(id, "late");
  std::thread peer([&] { server_->answer(server_->next().header.stream, wire::msg::PingResponse()); });
  EXPECT_TRUE(connection_->call<wire::GuestPing>({}, soon()));
  peer.join();
}

TEST_F(ConnectionTest, ReportsAPeerThatSpeaksNoFrames) {
  auto stream = open();
  (void)server_->next();
  server_->out().append({.length = 4, .stream = 0, .type = FrameType::data, .flags = 0}, "oops");
  server_->flush();
  EXPECT_EQ(stream.result(soon()).error().code(), ErrorCode::corrupted);
}

TEST_F(ConnectionTest, RunsAThousandStreamsOnOneThread) {
  constexpr int count = 1000;
  struct Command {
    std::optional<Stream<wire::ExecStart>> stream;
    std::string output;
  };
  std::vector<Command> commands(count);
  std::mutex mutex;
  std::condition_variable changed;
  int ended = 0;
  for (int i = 0; i < count; ++i) {
    auto& command = commands[static_cast<std::size_t>(i)];
    command.stream = open();
    command.stream->on_change([&command, &mutex, &changed, &ended] {
      const std::lock_guard lock(mutex);
      while (auto message = command.stream->try_read()) {
        if (!*message) break;
        command.output += (*message)->stdout();
      }
      if (command.stream->try_result() && command.output == "hi") {
        command.output += "!";
        ++ended;
        changed.notify_all();
      }
    });
  }
  std::thread peer([&] {
    for (int i = 0; i < count; ++i) {
      const auto id = server_->next().header.stream;
      server_->output(id, "hi");
      server_->answer(id, wire::msg::ExecResult());
    }
  });
  peer.join();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, seconds(20), [&] { return ended == count; })) << ended;
  lock.unlock();
  for (auto& command : commands) command.stream->on_change({});
}

TEST(MessageQueue, KeepsOrderAndStaysSmallForAReaderThatNeverCatchesUp) {
  MessageQueue queue;
  queue.push("first");
  for (int i = 0; i < 100'000; ++i) {
    queue.push(concat("message ", i));
    ASSERT_TRUE(queue.pop());
  }
  EXPECT_EQ(queue.pop(), "message 99999");
  EXPECT_FALSE(queue.pop());
}

}  // namespace
}  // namespace boxlite::agentlink
