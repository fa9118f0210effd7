// SPDX-License-Identifier: Apache-2.0
// The host's side of the guest protocol: calls and streams over one connection to boxes/<id>/agent.sock.
//
// Threads: every function here may be called from any thread. The work is done by the thread that runs the
// EventLoop; it must run for as long as calls are expected to end, and the loop outlives all handles.
// Functions that take a Deadline and return a Result wait, so the loop's own thread must not call them; it
// uses the forms with a callback, try_read, try_write and on_change. One loop serves any number of
// connections and streams.
//
// A lost connection ends every pending call and stream with `stopped`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agentlink/link.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"
#include "wire/method.h"

namespace boxlite::agentlink {

// A streaming call under way, type-erased. See Stream.
class RawStream {
 public:
  RawStream(std::shared_ptr<Link> link, std::string request);
  RawStream(RawStream&&) noexcept = default;
  RawStream& operator=(RawStream&& other) noexcept;
  ~RawStream() { reset(); }

  Result<std::optional<std::string>> read(Deadline deadline);
  std::optional<std::string> try_read();
  Result<std::string> result(Deadline deadline);
  std::optional<Result<std::string>> try_result();
  Result<void> write(std::string payload, Deadline deadline);
  // Takes the payload only when it gives true.
  Result<bool> try_write(std::string&& payload);
  void on_change(std::move_only_function<void()> callback);
  void reset();

 private:
  // Also held by the tasks on the loop.
  struct Shared {
    explicit Shared(std::shared_ptr<Link> connection) : link(std::move(connection)) {}
    std::shared_ptr<Link> link;
    std::shared_ptr<StreamState> state = std::make_shared<StreamState>();
    std::uint32_t id = 0;  // known and used on the loop's thread only
  };
  std::optional<std::string> accept(StreamState::Taken taken);
  void send(std::string payload);

  std::shared_ptr<Shared> shared_;
};

// A streaming call under way: Exec.Start or Exec.Attach. Output is kept, at most 256 KiB of it, until it is
// read; then the peer stops sending: nobody else waits for a slow reader. Dropping it resets the stream; the
// command in the guest goes on (executions belong to the agent).
template <wire::StreamingMethod M>
class Stream {
 public:
  explicit Stream(RawStream raw) : raw_(std::move(raw)) {}

  // The next output message, in order; nothing once all output has been read and result() will not wait.
  Result<std::optional<typename M::Output>> read(Deadline deadline) {
    auto payload = BOXLITE_TRY(raw_.read(deadline));
    if (!payload) return std::optional<typename M::Output>();
    return std::optional(BOXLITE_TRY(wire::parse<typename M::Output>(*payload)));
  }
  // What is there already. Nothing: wait for on_change, unless try_result() has an answer.
  Result<std::optional<typename M::Output>> try_read() {
    auto payload = raw_.try_read();
    if (!payload) return std::optional<typename M::Output>();
    return std::optional(BOXLITE_TRY(wire::parse<typename M::Output>(*payload)));
  }
  // The answer that ends the call. All output precedes it: read first, or output stays unread.
  Result<typename M::Response> result(Deadline deadline) {
    auto payload = BOXLITE_TRY(raw_.result(deadline));
    return wire::parse_response<M>(payload);
  }
  std::optional<Result<typename M::Response>> try_result() {
    auto ended = raw_.try_result();
    if (!ended) return std::nullopt;
    if (!*ended) return Result<typename M::Response>(std::unexpected(std::move(*ended).error()));
    return wire::parse_response<M>(**ended);
  }
  // Waits while the peer has no room. A serialised message may have at most 64 KiB: cut input into chunks.
  // invalid_state once the call has ended.
  Result<void> write(const typename M::Input& input, Deadline deadline) {
    return raw_.write(input.SerializeAsString(), deadline);
  }
  // False: no room now; on_change tells when there may be.
  Result<bool> try_write(const typename M::Input& input) { return raw_.try_write(input.SerializeAsString()); }
  // Both as they pass, for messages whose bytes are worth no copy.
  Result<std::optional<std::string>> read_payload(Deadline deadline) { return raw_.read(deadline); }
  Result<void> write_payload(std::string payload, Deadline deadline) {
    return raw_.write(std::move(payload), deadline);
  }
  std::optional<std::string> try_read_payload() { return raw_.try_read(); }
  // Takes the payload only when it gives true.
  Result<bool> try_write_payload(std::string&& payload) { return raw_.try_write(std::move(payload)); }
  // Called on the loop's thread whenever output, room or the result may have come, and once right away. It
  // must not wait. After this function has replaced it (empty: none), the old one is not running and is not
  // called again; do not replace it from inside itself.
  void on_change(std::move_only_function<void()> callback) { raw_.on_change(std::move(callback)); }
  // Gives the call up: read() and result() give `cancelled`.
  void reset() { raw_.reset(); }

 private:
  RawStream raw_;
};

// One connection. Closed when it goes.
class Connection {
 public:
  static Result<std::shared_ptr<Connection>> connect(linux_::EventLoop& loop,
                                                     const std::filesystem::path& socket, Deadline deadline);
  // Takes over a connected stream socket.
  static Result<std::shared_ptr<Connection>> adopt(linux_::EventLoop& loop, UniqueFd socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // A unary call: `call<wire::GuestPing>({}, Deadline::after(5s))`. timed_out at the deadline; the call is
  // given up then.
  template <wire::Method M>
    requires(!M::is_streaming)
  Result<typename M::Response> call(const typename M::Request& request, Deadline deadline) {
    auto payload = BOXLITE_TRY(call_raw(M::service, M::name, request.SerializeAsString(), deadline));
    return wire::parse_response<M>(payload);
  }
  // The same without waiting: `done` is called once, on the loop's thread, never before this returns when
  // called there.
  template <wire::Method M>
    requires(!M::is_streaming)
  void call(const typename M::Request& request, Deadline deadline,
            std::move_only_function<void(Result<typename M::Response>)> done) {
    call_raw(M::service, M::name, request.SerializeAsString(), deadline,
             [done = std::move(done)](Result<std::string> payload) mutable {
               if (!payload) return done(std::unexpected(std::move(payload).error()));
               done(wire::parse_response<M>(*payload));
             });
  }
  // Begins a streaming call: `open<wire::ExecStart>(request)`. Errors of the call itself come with its
  // result.
  template <wire::StreamingMethod M>
  Result<Stream<M>> open(const typename M::Request& request) {
    return Stream<M>(BOXLITE_TRY(open_raw(M::service, M::name, request.SerializeAsString())));
  }

  // False once the connection is lost or closed: make a new one.
  bool is_open() const { return link_->is_open(); }

 private:
  explicit Connection(std::shared_ptr<Link> link);
  Result<std::string> call_raw(std::string_view service, std::string_view method, std::string payload,
                               Deadline deadline);
  void call_raw(std::string_view service, std::string_view method, std::string payload, Deadline deadline,
                Link::Done done);
  Result<RawStream> open_raw(std::string_view service, std::string_view method, std::string payload);

  std::shared_ptr<Link> link_;
};

}  // namespace boxlite::agentlink
