// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "net/inspection/channel.h"
#include "net/inspection/http/http1_head.h"
#include "net/inspection/http/http2_body.h"

namespace boxlite::net {

// HTTP/2 over a channel, as server or as client: nghttp2 with our limits. One thread, the loop's.
class Http2Session {
 public:
  using StreamId = std::int32_t;
  using Clock = std::chrono::steady_clock;
  enum class Part : std::uint8_t { server, client };

  static constexpr std::uint32_t most_streams = 100;
  static constexpr std::uint32_t stream_window = 256u << 10;
  static constexpr std::int32_t connection_window = 1 << 20;
  static constexpr std::chrono::seconds head_limit{10};

  // Called while advance() reads. Names of fields are in lower case; pseudo-fields (":path") come first.
  class Listener {
   public:
    virtual ~Listener() = default;
    // A request or an answer, interim ones too; `is_last`: no content follows.
    virtual void on_head(StreamId stream, HttpFields fields, bool is_last) = 0;
    virtual void on_content(StreamId stream, std::string_view bytes) = 0;
    virtual void on_end(StreamId stream, HttpFields trailers) = 0;
    // The last word about a stream. `error`: 0 when both sides came to their end.
    virtual void on_closed(StreamId stream, std::uint32_t error) = 0;
    // So much of the body that was given for a stream has been taken.
    virtual void on_taken(StreamId stream, std::size_t bytes) = 0;
    // The peer opens, or takes, no more streams.
    virtual void on_going_away() = 0;
  };

  static Result<std::unique_ptr<Http2Session>> create(Part part, Channel& channel, Listener& listener);

  // Reads and writes what can be. True when it got anywhere; an error ends the connection.
  Result<bool> advance();
  // When the peer must have sent the rest of what it has begun.
  std::optional<Clock::time_point> deadline() const { return head_deadline_; }

  // `body` outlives the stream; null: none follows. Client; unavailable when no stream can be opened any
  // more.
  Result<StreamId> request(const HttpFields& fields, Http2Body* body);
  // Server. A status below 200 is an interim answer.
  void respond(StreamId stream, const HttpFields& fields, Http2Body* body);
  // More has been added to a body.
  void resume(StreamId stream);
  // The peer may send so much more.
  void consume(StreamId stream, std::size_t bytes);
  // The peer has sent as much as it may: whatever it was saying, it was interrupted.
  bool is_peer_stopped(StreamId stream) const;
  void reset(StreamId stream, std::uint32_t error);
  // No more streams from the peer; those that are open come to their end.
  void go_away();
  // The session itself is over: by go_away(), or for a fault of the peer's.
  bool is_over() const;

 private:
  struct Free {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  Http2Session(Channel& channel, Listener& listener) : channel_(channel), listener_(listener) {}
  Result<void> begin(Part part);
  Result<bool> receive();
  Result<bool> send();
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t flags, void* self);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int on_chunk(nghttp2_session*, std::uint8_t flags, StreamId stream, const std::uint8_t* bytes,
                      std::size_t size, void* self);
  static int on_stream_close(nghttp2_session*, StreamId stream, std::uint32_t error, void* self);
  static ssize_t read_body(nghttp2_session*, StreamId stream, std::uint8_t* place, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source* source, void* self);
  void on_field_block(const nghttp2_frame& frame);

  Channel& channel_;
  Listener& listener_;
  HttpFields fields_;  // of the one block that is being read: they do not interleave
  std::size_t fields_size_ = 0;
  std::optional<Clock::time_point> head_deadline_;
  std::unique_ptr<nghttp2_session, Free> session_;
};

}  // namespace boxlite::net
