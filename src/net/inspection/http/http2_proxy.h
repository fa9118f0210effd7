// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>

#include "net/inspection/channel.h"
#include "net/inspection/http/exchange_rules.h"
#include "net/inspection/http/http2_session.h"
#include "net/inspection/passage.h"

namespace boxlite::net {

// HTTP/2: a session with the guest, one with the server, and each stream of the one is a stream of the other.
// Back-pressure goes from stream to stream by their windows.
class Http2Proxy : public Passage {
 public:
  static Result<std::unique_ptr<Http2Proxy>> create(Channel& guest, Channel& server, ExchangeRules rules);
  State advance(Clock::time_point now) override;
  std::optional<Clock::time_point> deadline() const override {
    return earlier(guest_session_->deadline(), let_go_at_);
  }

 private:
  using StreamId = Http2Session::StreamId;
  struct Stream {
    StreamId guest = 0;
    StreamId server = 0;  // 0: none was opened
    bool is_open_at_guest = true;
    bool is_open_at_server = false;
    Http2Body request = {};
    Http2Body response = {};
    // Of the answer, where parts of it are held back.
    std::uint64_t announced = 0;         // and did not come yet
    bool is_server_interrupted = false;  // by its windows
    std::optional<Clock::time_point> let_go_at = {};
  };

  // What the guest does.
  class GuestSide : public Http2Session::Listener {
   public:
    explicit GuestSide(Http2Proxy& proxy) : proxy_(proxy) {}
    void on_head(StreamId stream, HttpFields fields, bool is_last) override;
    void on_content(StreamId stream, std::string_view bytes) override;
    void on_end(StreamId stream, HttpFields trailers) override;
    void on_closed(StreamId stream, std::uint32_t error) override;
    void on_taken(StreamId stream, std::size_t bytes) override;
    void on_going_away() override {}

   private:
    Http2Proxy& proxy_;
  };
  // What the server does.
  class ServerSide : public Http2Session::Listener {
   public:
    explicit ServerSide(Http2Proxy& proxy) : proxy_(proxy) {}
    void on_head(StreamId stream, HttpFields fields, bool is_last) override;
    void on_content(StreamId stream, std::string_view bytes) override;
    void on_end(StreamId stream, HttpFields trailers) override;
    void on_closed(StreamId stream, std::uint32_t error) override;
    void on_taken(StreamId stream, std::size_t bytes) override;
    void on_going_away() override { proxy_.drain(); }

   private:
    Http2Proxy& proxy_;
  };

  Http2Proxy(Channel& guest, Channel& server, ExchangeRules rules)
      : guest_(guest), server_(server), rules_(std::move(rules)) {}
  std::optional<RefusalAnswer> refusal_of(const HttpFields& fields) const;
  RefusalAnswer malformed_answer(const Error& error) const;
  void forward_request(Stream& stream, HttpFields fields, bool is_last);
  Result<void> substitute(HttpFields& fields) const;
  void mask(HttpFields& fields) const;
  const Replacements* request_replacements(HttpFields& fields) const;
  const Replacements* response_replacements(const HttpFields& fields) const;
  void answer(Stream& stream, const RefusalAnswer& answer);
  Stream* at_guest(StreamId id);
  Stream* at_server(StreamId id);
  void forget_if_closed(Stream& stream);
  bool let_go_when_due(Clock::time_point now);
  void drain();
  void end_of_server();

  Channel& guest_;
  Channel& server_;
  ExchangeRules rules_;
  GuestSide guest_side_{*this};
  ServerSide server_side_{*this};
  std::map<StreamId, std::unique_ptr<Stream>> streams_;  // by the guest's id
  std::map<StreamId, Stream*> by_server_;
  bool is_draining_ = false;
  bool is_server_gone_ = false;
  std::optional<Clock::time_point> let_go_at_;  // the first of those of the streams
  // Last: while they go they use nothing of the above, but what they hold points there.
  std::unique_ptr<Http2Session> guest_session_;
  std::unique_ptr<Http2Session> server_session_;
};

}  // namespace boxlite::net
