// SPDX-License-Identifier: Apache-2.0
// The multiplexer between a guest and clients that speak frames by hand. Everything runs on one thread: the
// tests turn the loop until what they wait for has come.
#include "shim/mux/mux.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "linux/sockets/unix_socket.h"
#include "shim/mux/limits.h"

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;
using wire::FrameType;

class RecordingListener : public Mux::Listener {
 public:
  void on_shim_call(ShimCall call) override { calls.push_back(std::move(call)); }
  void on_main_start(std::string_view id) override { main_starts.emplace_back(id); }
  void on_main_end(const wire::msg::ExecResult& result) override { main_ends.push_back(result); }
  void on_guest_lost(const Error& why) override { losses.push_back(why); }
  std::vector<ShimCall> calls;
  std::vector<std::string> main_starts;
  std::vector<wire::msg::ExecResult> main_ends;
  std::vector<Error> losses;
};

class RecordingObserver : public Mux::Observer {
 public:
  void on_command(const wire::msg::ExecRequest& request) override { commands.push_back(request.id()); }
  void on_command_end(const std::string& id, const Result<wire::msg::ExecResult>& result) override {
    ends.push_back(concat(id, result ? concat(" ", result->exit_code()) : " error"));
  }
  void on_bytes_to_guest(std::size_t count) override { to_guest += count; }
  void on_bytes_from_guest(std::size_t count) override { from_guest += count; }
  std::vector<std::string> commands;
  std::vector<std::string> ends;
  std::size_t to_guest = 0;
  std::size_t from_guest = 0;
};

struct Received {
  wire::FrameHeader header = {};
  std::string payload = {};
};

// An end of a socket that the test plays.
class Peer {
 public:
  Peer(linux_::EventLoop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}

  // The next frame; stream 0 when none comes within the limit.
  Received next(milliseconds limit = milliseconds(5000)) {
    const auto deadline = Deadline::after(limit);
    while (true) {
      if (auto frame = take()) return *frame;
      const auto room = reader_.prepare();
      const auto count = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (count > 0) {
        reader_.commit(static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0) is_closed_ = true;
      if (count == 0 || deadline.has_passed()) return {};
      EXPECT_TRUE(loop_.run_once(Deadline::after(milliseconds(5))));
    }
  }
  bool stays_silent() { return next(milliseconds(30)).header.stream == 0 && !is_closed_; }
  bool is_hung_up() { return next().header.stream == 0 && is_closed_; }

  wire::FrameWriter& out() { return out_; }
  // Turns the loop until everything is written (or the other side does not take it).
  bool flush(milliseconds limit = milliseconds(2000)) {
    const auto deadline = Deadline::after(limit);
    while (!out_.empty()) {
      const auto bytes = out_.pending();
      const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) out_.consume(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN) return false;
      if (deadline.has_passed()) return false;
      (void)loop_.run_once(Deadline::after(milliseconds(1)));
    }
    return true;
  }
  void request(std::uint32_t stream, std::string_view service, std::string_view method,
               const google::protobuf::MessageLite& message, bool is_streaming) {
    ASSERT_TRUE(wire::write_request(out_, stream, service, method, message, is_streaming));
    ASSERT_TRUE(flush());
  }
  void start(std::uint32_t stream, bool is_main = false) {
    wire::msg::ExecRequest request;
    request.set_id(concat("exec", stream));
    request.set_is_main(is_main);
    this->request(stream, wire::exec_service, "Start", request, true);
  }
  void respond(std::uint32_t stream, const google::protobuf::MessageLite& message) {
    ASSERT_TRUE(wire::write_response(out_, stream, message));
    ASSERT_TRUE(flush());
  }
  void hang_up() { socket_.reset(); }

 private:
  std::optional<Received> take() {
    const auto frame = reader_.next();
    if (!frame || !*frame) return std::nullopt;
    return Received{(*frame)->header, std::string((*frame)->payload)};
  }

  linux_::EventLoop& loop_;
  UniqueFd socket_;
  wire::FrameReader reader_;
  wire::FrameWriter out_;
  bool is_closed_ = false;
};

class MuxTest : public testing::Test {
 protected:
  MuxTest() : dir_(*TempDir::create("/tmp", "mux-")), loop_(*linux_::EventLoop::create()) {
    auto port = *linux_::unix_socket_pair();
    mux_ = *Mux::create(*loop_, std::move(port.first), listener_);
    guest_.emplace(*loop_, std::move(port.second));
    EXPECT_TRUE(mux_->accept_from(*linux_::listen_unix(dir_.path() / "s")));
  }

  Peer connect() {
    return Peer(*loop_, *linux_::connect_unix(dir_.path() / "s", Deadline::after(milliseconds(1000))));
  }
  template <typename Condition>
  bool turn_until(Condition condition) {
    const auto deadline = Deadline::after(milliseconds(5000));
    while (!condition()) {
      if (deadline.has_passed()) return false;
      (void)loop_->run_once(Deadline::after(milliseconds(5)));
    }
    return true;
  }
  // A client with one running command, whose id on the port is returned.
  std::uint32_t start(Peer& client, std::uint32_t stream, bool is_main = false) {
    client.start(stream, is_main);
    const auto request = guest_->next();
    EXPECT_EQ(request.header.type, FrameType::request);
    return request.header.stream;
  }

  TempDir dir_;
  std::unique_ptr<linux_::EventLoop> loop_;
  RecordingListener listener_;
  std::unique_ptr<Mux> mux_;
  std::optional<Peer> guest_;
};

TEST_F(MuxTest, GivesStreamsOfSeveralClientsIdsOfTheirOwn) {
  mux_->open_gate();
  auto one = connect();
  auto two = connect();
  const auto a = start(one, 1);
  const auto b = start(two, 1);
  EXPECT_NE(a, b);
  guest_->out().data(b, "for two");
  guest_->out().data(a, "for one");
  ASSERT_TRUE(guest_->flush());
  const auto first = one.next();
  EXPECT_EQ(first.header.stream, 1u);
  EXPECT_EQ(first.payload, "for one");
  EXPECT_EQ(two.next().payload, "for two");
  two.out().data(1, "input");
  ASSERT_TRUE(two.flush());
  const auto input = guest_->next();
  EXPECT_EQ(input.header.stream, b);
  EXPECT_EQ(input.payload, "input");
  guest_->respond(a, wire::msg::ExecResult());
  EXPECT_EQ(one.next().header.type, FrameType::response);
  EXPECT_EQ(mux_->stream_count(), 1u);
}

TEST_F(MuxTest, HoldsCallsOfClientsUntilTheGateOpens) {
  auto client = connect();
  client.start(1);
  client.out().data(1, "early input");
  ASSERT_TRUE(client.flush());
  EXPECT_TRUE(guest_->stays_silent());
  std::optional<Result<wire::msg::HelloResponse>> hello;
  mux_->call<wire::GuestHello>({}, [&](auto response) { hello = std::move(response); });
  const auto request = guest_->next();
  EXPECT_EQ(wire::parse<wire::msg::Request>(request.payload)->method(), "Hello");
  guest_->respond(request.header.stream, wire::msg::HelloResponse());
  ASSERT_TRUE(turn_until([&] { return hello.has_value(); }));
  EXPECT_TRUE(*hello);
  mux_->open_gate();
  EXPECT_EQ(wire::parse<wire::msg::Request>(guest_->next().payload)->method(), "Start");
  EXPECT_EQ(guest_->next().payload, "early input");
}

TEST_F(MuxTest, HandsCallsToTheShimOverAndNeverForwardsThem) {
  mux_->open_gate();
  auto client = connect();
  client.request(1, wire::shim_service, "WaitReady", wire::msg::WaitReadyRequest(), false);
  ASSERT_TRUE(turn_until([&] { return !listener_.calls.empty(); }));
  EXPECT_EQ(listener_.calls[0].method, "WaitReady");
  wire::msg::WaitReadyResponse response;
  response.set_shim_pid(77);
  mux_->answer(listener_.calls[0], response);
  mux_->answer(listener_.calls[0], response);  // twice: the second has nobody to go to
  EXPECT_EQ(wire::parse_response<wire::ShimWaitReady>(client.next().payload)->shim_pid(), 77u);
  EXPECT_TRUE(client.stays_silent());
  EXPECT_TRUE(guest_->stays_silent());
}

TEST_F(MuxTest, KeepsClientsFromCallsThatAreTheShims) {
  mux_->open_gate();
  auto client = connect();
  std::uint32_t stream = 1;
  for (const auto* method : {"Hello", "Configure", "StartContainer", "Shutdown", "Nonsense"}) {
    client.request(stream, wire::guest_service, method, wire::msg::HelloRequest(), false);
    const auto answer = wire::parse_response<wire::GuestHello>(client.next().payload);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), ErrorCode::unsupported) << method;
    stream += 2;
  }
  EXPECT_TRUE(guest_->stays_silent());
}

TEST_F(MuxTest, ResetsTheStreamsOfAClientThatGoes) {
  mux_->open_gate();
  auto client = connect();
  auto other = connect();
  std::set<std::uint32_t> streams = {start(client, 1), start(client, 3)};
  const auto kept = start(other, 1);
  client.hang_up();
  for (int i = 0; i < 2; ++i) {
    const auto reset = guest_->next();
    EXPECT_EQ(reset.header.type, FrameType::reset);
    EXPECT_EQ(streams.erase(reset.header.stream), 1u);
  }
  EXPECT_TRUE(guest_->stays_silent());
  EXPECT_EQ(mux_->client_count(), 1u);
  guest_->out().data(kept, "still here");
  ASSERT_TRUE(guest_->flush());
  EXPECT_EQ(other.next().payload, "still here");
}

TEST_F(MuxTest, ResetsAStreamOnWhichTheGuestExceedsItsCredit) {
  mux_->open_gate();
  auto client = connect();
  const auto hostile = start(client, 1);
  const auto honest = start(client, 3);
  const std::string chunk(64u << 10, 'x');
  for (int i = 0; i < 4; ++i) guest_->out().data(hostile, chunk);
  guest_->out().data(hostile, "one more");
  guest_->out().data(honest, "fine");
  ASSERT_TRUE(guest_->flush());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.next().payload.size(), chunk.size());
  const auto reset = client.next();
  EXPECT_EQ(reset.header.type, FrameType::reset);
  EXPECT_EQ(reset.header.stream, 1u);
  EXPECT_EQ(client.next().payload, "fine");
  const auto toward_guest = guest_->next();
  EXPECT_EQ(toward_guest.header.type, FrameType::reset);
  EXPECT_EQ(toward_guest.header.stream, hostile);
}

TEST_F(MuxTest, LetsCreditReturnedByTheClientBeUsedAgain) {
  mux_->open_gate();
  auto client = connect();
  const auto stream = start(client, 1);
  const std::string chunk(64u << 10, 'x');
  for (int round = 0; round < 20; ++round) {
    guest_->out().data(stream, chunk);
    ASSERT_TRUE(guest_->flush());
    ASSERT_EQ(client.next().payload.size(), chunk.size()) << round;
    client.out().window(1, static_cast<std::uint32_t>(chunk.size()));
    ASSERT_TRUE(client.flush());
    ASSERT_EQ(guest_->next().header.type, FrameType::window);
  }
}

TEST_F(MuxTest, ResetsAStreamWhoseClientExceedsItsCreditOrReturnsWhatItNeverGot) {
  mux_->open_gate();
  auto client = connect();
  const auto first = start(client, 1);
  const std::string chunk(64u << 10, 'x');
  for (int i = 0; i < 4; ++i) client.out().data(1, chunk);
  client.out().data(1, "one more");
  ASSERT_TRUE(client.flush());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(guest_->next().payload.size(), chunk.size());
  const auto reset = guest_->next();
  EXPECT_EQ(reset.header.type, FrameType::reset);
  EXPECT_EQ(reset.header.stream, first);
  EXPECT_EQ(client.next().header.type, FrameType::reset);
  start(client, 3);
  client.out().window(3, 1);
  ASSERT_TRUE(client.flush());
  EXPECT_EQ(guest_->next().header.type, FrameType::reset);
  EXPECT_EQ(client.next().header.type, FrameType::reset);
}

TEST_F(MuxTest, LetsASlowClientStallOnlyItself) {
  mux_->open_gate();
  auto slow = connect();
  auto quick = connect();
  std::vector<std::uint32_t> slow_streams;
  for (std::uint32_t i = 0; i < 40; ++i) slow_streams.push_back(start(slow, 2 * i + 1));
  const auto quick_stream = start(quick, 1);
  // Ten MiB that the slow client does not read, all within the credit of its streams.
  const std::string chunk(64u << 10, 'x');
  for (const auto stream : slow_streams) {
    for (int i = 0; i < 4; ++i) guest_->out().data(stream, chunk);
  }
  guest_->out().data(quick_stream, "at once");
  ASSERT_TRUE(guest_->flush(milliseconds(5000))) << "the port is always read";
  EXPECT_EQ(quick.next().payload, "at once");
  // The slow one is not read any more, until it has taken what waits for it.
  ASSERT_TRUE(wire::write_request<wire::GuestPing>(slow.out(), 1001, {}));
  (void)slow.flush();
  EXPECT_TRUE(guest_->stays_silent());
  for (std::size_t i = 0; i < slow_streams.size() * 4; ++i)
    ASSERT_EQ(slow.next().payload.size(), chunk.size());
  EXPECT_EQ(guest_->next().header.type, FrameType::request);
}

TEST_F(MuxTest, DoesNotCollectRequestsForAGuestThatDoesNotRead) {
  mux_->open_gate();
  auto client = connect();
  wire::msg::ExecRequest request;
  request.add_args(std::string(900u << 10, 'a'));
  std::uint32_t stream = 1;
  bool is_taken = true;
  for (; stream < 200 && is_taken; stream += 2) {
    ASSERT_TRUE(wire::write_request<wire::ExecStart>(client.out(), stream, request));
    is_taken = client.flush(milliseconds(100));
  }
  EXPECT_FALSE(is_taken) << "a hundred MiB were taken";
  EXPECT_LT(stream, 40u);
}

TEST_F(MuxTest, DropsAClientThatSpeaksNoFrames) {
  mux_->open_gate();
  auto client = connect();
  client.out().append({.length = 1, .stream = 0, .type = FrameType::data, .flags = 0}, "x");
  (void)client.flush();
  EXPECT_TRUE(client.is_hung_up());
  auto liar = connect();
  liar.out().response(1, "x");
  (void)liar.flush();
  EXPECT_TRUE(liar.is_hung_up());
  auto twice = connect();
  twice.start(1);
  ASSERT_TRUE(wire::write_request<wire::GuestPing>(twice.out(), 1, {}));
  (void)twice.flush();
  EXPECT_TRUE(twice.is_hung_up());
  EXPECT_EQ(mux_->client_count(), 0u);
}

// Of the session that the machine's process leads, whoever it is.
TEST_F(MuxTest, TheMachineIsNoClient) {
  mux_->open_gate();
  const auto path = dir_.path() / "s";
  const pid_t machine = ::fork();
  if (machine == 0) {
    ::setsid();
    const auto socket = linux_::connect_unix(path, Deadline::after(milliseconds(1000)));
    char byte = 0;
    pollfd hung_up{socket ? socket->get() : -1, POLLIN, 0};
    ::_exit(socket && ::poll(&hung_up, 1, 5000) == 1 && ::read(socket->get(), &byte, 1) == 0 ? 0 : 1);
  }
  mux_->turn_away_machine(machine);
  int status = -1;
  EXPECT_TRUE(turn_until([&] { return ::waitpid(machine, &status, WNOHANG) == machine; }));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mux_->client_count(), 0u);
  auto friendly = connect();
  EXPECT_TRUE(turn_until([&] { return mux_->client_count() == 1; }));
}

TEST_F(MuxTest, ReportsAGuestThatSpeaksNoFramesOnce) {
  mux_->open_gate();
  std::optional<Error> lost;
  mux_->call<wire::GuestPing>({}, [&](auto response) { lost = response.error(); });
  guest_->out().append({.length = 1, .stream = 0, .type = FrameType::data, .flags = 0}, "x");
  (void)guest_->flush();
  ASSERT_TRUE(turn_until([&] { return lost.has_value(); }));
  ASSERT_EQ(listener_.losses.size(), 1u);
  EXPECT_EQ(listener_.losses[0].code(), ErrorCode::corrupted);
  guest_->hang_up();
  EXPECT_FALSE(*loop_->run_once(Deadline::after(milliseconds(20))));
}

TEST_F(MuxTest, IgnoresWhatTheGuestSendsForNobody) {
  mux_->open_gate();
  auto client = connect();
  const auto stream = start(client, 1);
  guest_->out().data(9999, "nobody");
  guest_->out().response(9999, "nobody");
  guest_->out().request(stream, "a guest asks nothing");
  guest_->out().data(stream, "");
  guest_->out().window(9999, 1);
  guest_->out().data(stream, "hi");
  ASSERT_TRUE(guest_->flush());
  EXPECT_EQ(client.next().payload, "hi");
}

TEST_F(MuxTest, SeesHowTheMainCommandEnds) {
  mux_->open_gate();
  auto client = connect();
  const auto other = start(client, 1);
  const auto main = start(client, 3, true);
  wire::msg::ExecResult result;
  result.set_exit_code(3);
  guest_->respond(other, result);
  (void)client.next();
  EXPECT_TRUE(listener_.main_ends.empty());
  result.set_exit_code(4);
  guest_->respond(main, result);
  (void)client.next();
  ASSERT_EQ(listener_.main_ends.size(), 1u);
  EXPECT_EQ(listener_.main_ends[0].exit_code(), 4u);
}

TEST_F(MuxTest, AsksForTheEndOfAMainCommandThatNobodyListensTo) {
  mux_->open_gate();
  {
    auto client = connect();
    start(client, 1, true);
  }
  EXPECT_EQ(guest_->next().header.type, FrameType::reset);
  const auto wait = guest_->next();
  const auto envelope = wire::parse<wire::msg::Request>(wait.payload);
  EXPECT_EQ(envelope->method(), "Wait");
  EXPECT_EQ(wire::parse<wire::msg::WaitRequest>(envelope->payload())->id(), "exec1");
  wire::msg::ExecResult result;
  result.set_signal(9);
  guest_->respond(wait.header.stream, result);
  ASSERT_TRUE(turn_until([&] { return !listener_.main_ends.empty(); }));
  EXPECT_EQ(listener_.main_ends[0].signal(), 9u);
}

TEST_F(MuxTest, CreditsItsOwnStreams) {
  std::size_t received = 0;
  std::optional<Result<wire::msg::ExecResult>> result;
  mux_->open<wire::ExecAttach>(
      {}, [&](std::string_view payload) { received += payload.size(); },
      [&](Result<wire::msg::ExecResult> end) { result = std::move(end); });
  const auto stream = guest_->next().header.stream;
  const std::string piece(32u << 10, 'x');
  std::size_t credited = 0;
  for (int i = 0; i < 40; ++i) {
    guest_->out().data(stream, piece);
    ASSERT_TRUE(guest_->flush());
    if (i % 2 == 0) continue;
    const auto window = guest_->next();
    ASSERT_EQ(window.header.type, FrameType::window);
    credited += *wire::decode_window(window.payload);
  }
  EXPECT_EQ(received, 40 * piece.size());
  EXPECT_EQ(credited, received);
  wire::msg::ExecResult end;
  end.set_exit_code(3);
  guest_->respond(stream, end);
  ASSERT_TRUE(turn_until([&] { return result.has_value(); }));
  EXPECT_EQ((*result)->exit_code(), 3u);
}

TEST_F(MuxTest, TurnsNewCallsAwayAndLetsThoseUnderWayGoOn) {
  mux_->open_gate();
  auto client = connect();
  const auto stream = start(client, 1);
  mux_->turn_away(Error(ErrorCode::invalid_state, "paused"));
  client.start(3);
  EXPECT_EQ(client.next().header.stream, 3u);
  guest_->out().data(stream, "still here");
  ASSERT_TRUE(guest_->flush());
  EXPECT_EQ(client.next().payload, "still here");
  mux_->turn_away(std::nullopt);
  start(client, 5);
}

TEST_F(MuxTest, KeepsItsClientsForTheNextMachine) {
  mux_->open_gate();
  auto client = connect();
  start(client, 1, true);
  ASSERT_TRUE(turn_until([&] { return listener_.main_starts.size() == 1; }));
  guest_->hang_up();
  ASSERT_TRUE(turn_until([&] { return listener_.losses.size() == 1; }));
  mux_->refuse(Error(ErrorCode::unavailable, "restarting"));
  EXPECT_EQ(client.next().header.stream, 1u);
  client.start(3);
  EXPECT_EQ(client.next().header.stream, 3u) << "refused";
  auto port = *linux_::unix_socket_pair();
  ASSERT_TRUE(mux_->connect_guest(std::move(port.first)));
  guest_.emplace(*loop_, std::move(port.second));
  client.start(5);
  EXPECT_TRUE(guest_->stays_silent()) << "its gate is closed";
  mux_->open_gate();
  EXPECT_EQ(guest_->next().header.type, FrameType::request);
  guest_->hang_up();
  ASSERT_TRUE(turn_until([&] { return listener_.losses.size() == 2; }));
}

TEST_F(MuxTest, RefusesEverythingAtTheEnd) {
  auto client = connect();
  client.start(1);
  EXPECT_TRUE(guest_->stays_silent());
  mux_->refuse(Error(ErrorCode::stopped, "the box has ended"));
  for (const std::uint32_t stream : {1u, 3u}) {
    if (stream == 3) client.start(stream);
    const auto answer = client.next();
    EXPECT_EQ(answer.header.stream, stream);
    EXPECT_EQ(wire::parse_response<wire::ExecStart>(answer.payload).error().message(), "the box has ended");
  }
  EXPECT_TRUE(mux_->is_flushed());
}

TEST_F(MuxTest, ServesAThousandStreamsOfAClientAndRefusesTooMany) {
  mux_->open_gate();
  auto client = connect();
  for (std::uint32_t i = 0; i < max_streams_per_client; ++i) {
    wire::msg::ExecRequest request;
    ASSERT_TRUE(wire::write_request<wire::ExecStart>(client.out(), 2 * i + 1, request));
  }
  ASSERT_TRUE(wire::write_request<wire::GuestPing>(client.out(), 99'999, {}));
  ASSERT_TRUE(client.flush());
  for (std::uint32_t i = 0; i < max_streams_per_client; ++i) {
    ASSERT_EQ(guest_->next().header.type, FrameType::request) << i;
  }
  const auto refusal = client.next();
  EXPECT_EQ(refusal.header.stream, 99'999u);
  EXPECT_EQ(wire::parse_response<wire::GuestPing>(refusal.payload).error().code(),
            ErrorCode::resource_exhausted);
  EXPECT_EQ(mux_->stream_count(), max_streams_per_client);
}

TEST_F(MuxTest, ShowsAnObserverCommandsTheirBytesAndTheirEndsAlsoWhenTheClientHasLeft) {
  RecordingObserver observer;
  mux_->set_observer(&observer);
  mux_->open_gate();
  auto client = connect();
  const auto stays = start(client, 1);
  const auto leaves = start(client, 3);
  EXPECT_THAT(observer.commands, testing::ElementsAre("exec1", "exec3"));
  client.out().data(1, "12345");
  ASSERT_TRUE(client.flush());
  EXPECT_EQ(guest_->next().payload, "12345");
  guest_->out().data(stays, "123");
  ASSERT_TRUE(guest_->flush());
  EXPECT_EQ(client.next().payload, "123");
  EXPECT_EQ(observer.to_guest, 5u);
  EXPECT_EQ(observer.from_guest, 3u);

  wire::msg::ExecResult result;
  result.set_exit_code(7);
  guest_->respond(stays, result);
  EXPECT_EQ(client.next().header.type, FrameType::response);
  EXPECT_THAT(observer.ends, testing::ElementsAre("exec1 7"));

  client.out().reset(3);
  ASSERT_TRUE(client.flush());
  EXPECT_EQ(guest_->next().header.type, FrameType::reset);
  const auto wait = guest_->next();
  ASSERT_EQ(wait.header.type, FrameType::request);
  EXPECT_NE(wait.header.stream, leaves);
  guest_->respond(wait.header.stream, result);
  EXPECT_TRUE(turn_until([&] { return observer.ends.size() == 2; }));
  EXPECT_EQ(observer.ends.back(), "exec3 7");
}

}  // namespace
}  // namespace boxlite::shim
