// SPDX-License-Identifier: Apache-2.0
// Many clients on one guest port.
//
// Each stream of a client gets an id of its own on the port; frames are passed on under it and back. Nothing
// is decoded but the envelope of a request (who answers it) and, for the box's main command, how it ended.
//
// What may pile up here is bounded: data by the credit of each stream, in both directions; requests by not
// reading from clients while the port, or a client's own socket, is backed up. The port is always read: a
// slow client costs its own streams, nobody else's. Whoever breaks the protocol loses the stream (data beyond
// credit) or the connection (bytes that are no frames). One thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "shim/mux/client.h"
#include "shim/mux/credit_meter.h"
#include "wire/credit.h"
#include "wire/frame.h"
#include "wire/method.h"

namespace boxlite::shim {

// A call to the service Shim, to be answered by Mux::answer.
struct ShimCall {
  std::uint64_t client = 0;
  std::uint32_t stream = 0;
  std::string method = {};
  std::string payload = {};
};

class Mux {
 public:
  struct Listener {
    virtual ~Listener() = default;
    virtual void on_shim_call(ShimCall call) = 0;
    // A client has asked for the main command. Each time; the guest may refuse.
    virtual void on_main_start(std::string_view exec_id) = 0;
    // The box's main command has ended. Once in the life of a machine.
    virtual void on_main_end(const wire::msg::ExecResult& result) = 0;
    // The guest port is of no use any more. Once in the life of a machine.
    virtual void on_guest_lost(const Error& why) = 0;
  };
  // Watches what passes; nothing depends on it.
  struct Observer {
    virtual ~Observer() = default;
    // A client's request for a command has been passed on.
    virtual void on_command(const wire::msg::ExecRequest& request) = 0;
    // That command has ended, or could not be begun; also when its client has left meanwhile. Not for the
    // main command.
    virtual void on_command_end(const std::string& id, const Result<wire::msg::ExecResult>& result) = 0;
    // Data of streams, in bytes.
    virtual void on_bytes_to_guest(std::size_t count) = 0;
    virtual void on_bytes_from_guest(std::size_t count) = 0;
  };
  using Done = std::move_only_function<void(Result<std::string>)>;
  // The payload of a data frame.
  using OnPayload = std::move_only_function<void(std::string_view)>;

  // The loop and the listener outlive the mux. Until there is a guest, clients wait.
  static std::unique_ptr<Mux> create(linux_::EventLoop& loop, Listener& listener) {
    return std::unique_ptr<Mux>(new Mux(loop, listener));
  }
  static Result<std::unique_ptr<Mux>> create(linux_::EventLoop& loop, UniqueFd guest_port,
                                             Listener& listener);
  Mux(const Mux&) = delete;
  Mux& operator=(const Mux&) = delete;

  // From now on; it outlives the mux, or null is given before it goes.
  void set_observer(Observer* observer) { observer_ = observer; }
  // A machine, the first or, after refuse(), another one: everything about the last one is forgotten, clients
  // stay connected.
  Result<void> connect_guest(UniqueFd guest_port);

  // Takes what a machine that is gone has left to say.
  void drain_guest();

  // The machine's process leads this session, which it cannot leave: nobody in it becomes a client.
  void turn_away_machine(pid_t session) { machine_session_ = session; }

  // Clients come from this listening socket.
  Result<void> accept_from(UniqueFd listener_socket);

  // The other end of a client of the shim's own, for streams both ways. Its streams are nobody's use of the
  // box.
  Result<UniqueFd> connect_own();

  // A call of the shim itself: passed on at once, while those of clients may still wait. `done` gets the
  // payload of the response frame.
  void call(std::string_view service, std::string_view method, std::string payload, Done done) {
    send(service, method, std::move(payload), {}, std::move(done));
  }
  // The same for a streaming method; what comes is credited as soon as `on_payload` has returned.
  template <wire::StreamingMethod M>
  void open(const typename M::Request& request, OnPayload on_payload,
            std::move_only_function<void(Result<typename M::Response>)> done) {
    send(M::service, M::name, request.SerializeAsString(), std::move(on_payload),
         [done = std::move(done)](Result<std::string> payload) mutable {
           if (!payload) return done(std::unexpected(std::move(payload).error()));
           done(wire::parse_response<M>(*payload));
         });
  }
  template <wire::Method M>
    requires(!M::is_streaming)
  void call(const typename M::Request& request,
            std::move_only_function<void(Result<typename M::Response>)> done) {
    call(M::service, M::name, request.SerializeAsString(),
         [done = std::move(done)](Result<std::string> payload) mutable {
           if (!payload) return done(std::unexpected(std::move(payload).error()));
           done(wire::parse_response<M>(*payload));
         });
  }

  // What clients have asked for so far goes to the guest now, and so does everything from now on.
  void open_gate();
  // Every call of a client that is under way, and every later one, gets this error. Calls to the service Shim
  // are still handed to the listener.
  void refuse(Error why);
  // New calls of clients get this error, until nullopt; those under way go on.
  void turn_away(std::optional<Error> why) { turned_away_ = std::move(why); }

  void answer(const ShimCall& call, const google::protobuf::MessageLite& response);
  void answer(const ShimCall& call, const Error& error);

  // Whether clients have been sent everything.
  bool is_flushed() const;
  std::size_t client_count() const { return clients_.size(); }
  bool has_client(std::uint64_t id) const { return clients_.contains(id); }
  std::size_t stream_count() const { return routes_.size(); }
  // Streams that clients have open to the guest, and how many there have been; looking at the box (stats,
  // lists, pings) does not count.
  std::size_t client_stream_count() const;
  std::uint64_t client_streams_so_far() const { return client_streams_so_far_; }

 private:
  // Where a stream of the guest port belongs.
  struct Route {
    std::uint64_t client = 0;  // 0: the shim's own call
    std::uint32_t stream = 0;
    bool is_streaming = false;
    CreditMeter to_guest;
    CreditMeter to_client;
    bool is_main = false;
    std::string exec_id = {};  // of Exec.Start
    Done done = {};
    OnPayload on_payload = {};
    wire::ReceiveCredit credit = {};  // of the shim's own stream
  };
  using Routes = std::unordered_map<std::uint32_t, Route>;

  Mux(linux_::EventLoop& loop, Listener& listener) : loop_(loop), listener_(listener) {}
  void send(std::string_view service, std::string_view method, std::string payload, OnPayload on_payload,
            Done done);

  // clients
  void accept_clients();
  std::uint64_t add_client(UniqueFd socket);
  void handle_client(std::uint64_t id, linux_::Readiness ready);
  Result<void> read_client(std::uint64_t id);
  Result<void> handle_client_frame(Client& client, const wire::Frame& frame);
  Result<void> handle_request(Client& client, const wire::Frame& frame);
  void forward_request(Client& client, const wire::Frame& frame, const wire::msg::Request& request);
  Result<void> handle_stream_frame(Client& client, const wire::Frame& frame);
  void flush_client(std::uint64_t id);
  void drop_client(std::uint64_t id);
  void pace_clients();
  void answer_error(Client& client, std::uint32_t stream, const Error& error);

  // guest
  void handle_guest(linux_::Readiness ready);
  Result<void> read_guest();
  void handle_guest_frame(const wire::Frame& frame);
  void handle_response(Routes::iterator route, const wire::Frame& frame);
  bool pass_to_client(Route& route, const wire::Frame& frame);
  void take_own_frame(Routes::iterator route, const wire::Frame& frame);
  void note_main_end(std::string_view response);
  void leave_main(std::string exec_id);
  void note_command_end(const Route& route, std::string_view response);
  void leave_command(std::string exec_id);
  void flush_guest();
  void lose_guest(Error why);

  wire::FrameWriter& toward_guest() { return gate_is_open_ ? guest_out_ : held_; }
  // Gives up a stream; the guest is told, the client is not.
  void remove_route(std::uint32_t guest_stream);

  linux_::EventLoop& loop_;
  Listener& listener_;
  Observer* observer_ = nullptr;
  std::size_t left_commands_ = 0;  // whose end is awaited for the observer alone
  UniqueFd guest_;
  wire::FrameReader guest_in_;
  wire::FrameWriter guest_out_;
  wire::FrameWriter held_;  // frames of clients, until the gate opens
  bool gate_is_open_ = false;
  bool guest_wants_write_ = false;
  bool main_has_ended_ = false;
  std::optional<std::string> left_main_;  // the main command without a client, until the gate opens
  std::uint32_t next_stream_ = 1;
  std::uint64_t client_streams_so_far_ = 0;
  Routes routes_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::uint64_t next_client_ = 1;
  pid_t machine_session_ = 0;
  std::uint64_t own_client_ = 0;
  std::vector<std::uint64_t> touched_;  // clients that got frames in this turn
  bool clients_are_paced_ = false;
  std::optional<Error> guest_lost_;
  std::optional<Error> refusal_;
  std::optional<Error> turned_away_;
  UniqueFd listener_socket_;
  linux_::EventLoop::Timer accept_again_;
  linux_::EventLoop::Watch listener_watch_;
  linux_::EventLoop::Watch guest_watch_;
};

}  // namespace boxlite::shim
