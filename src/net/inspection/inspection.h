// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "linux/event_loop.h"
#include "net/inspection/dialer.h"
#include "net/inspection/http/exchange_rules.h"
#include "net/inspection/interception.h"
#include "net/inspection/name_judge.h"
#include "net/inspection/passage.h"
#include "net/inspection/socket_channel.h"
#include "net/inspection/tls/client_hello.h"
#include "net/inspection/tls/tls_stream.h"

namespace boxlite::net {

// One connection from its first byte to its end. One thread, the loop's.
class Inspection {
 public:
  static constexpr std::chrono::seconds peek_limit{10};       // for the hello or the head
  static constexpr std::chrono::seconds dial_limit{30};       // with the server's handshake
  static constexpr std::chrono::seconds handshake_limit{10};  // with the guest

  struct Surroundings {
    linux_::EventLoop& loop;
    Dialer& dialer;
    NameJudge& judge;
    Interception* interception;  // null: no secrets
  };
  // `on_end` is called once, from the loop or from begin(); the object must outlive the call.
  Inspection(const Surroundings& surroundings, netpolicy::Flow flow, std::unique_ptr<SocketChannel> guest,
             std::move_only_function<void()> on_end);
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;

  void begin();
  // By the policy as it is now: resets what it does not allow.
  void judge_again();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stage : std::uint8_t {
    peeking,
    asking,
    dialing,
    server_handshake,
    guest_handshake,
    passing,
    ended
  };
  enum class Content : std::uint8_t { other, tls, http };

  void enter(Stage stage, std::chrono::milliseconds limit, std::string_view on_timeout);
  void watch(Channel& channel);
  void on_change();
  void advance();

  void peek();
  void peek_tls();
  void peek_http();
  void judge();
  netpolicy::Verdict verdict_by_name() const;
  netpolicy::Verdict verdict_again() const;
  void apply(const netpolicy::Verdict& verdict);
  void dial();
  void on_dialled();
  void begin_interception();
  void on_server_ready();
  void on_guest_ready();
  void start_passage(std::unique_ptr<Passage> passage);
  void pass();
  void arm_passage_deadline();

  ExchangeRules exchange_rules();
  std::optional<std::string> refusal_of(const Authority& authority);
  bool is_pinned_name() const;
  void record(const netpolicy::Verdict& verdict, std::string_view name);
  void fail_with(std::string_view why);
  void refuse_tls(std::string_view why);
  void reset_both_sides();
  void end();

  Surroundings surroundings_;
  netpolicy::Flow flow_;
  std::move_only_function<void()> on_end_;
  Stage stage_ = Stage::peeking;
  netpolicy::Verdict first_verdict_ = {};

  Content content_ = Content::other;
  ClientHello hello_ = {};
  std::string name_ = {};         // that the guest asked for; empty: it told none
  bool had_other_names_ = false;  // in requests that were let through
  std::optional<Substitution> substitution_ = {};

  std::unique_ptr<SocketChannel> guest_socket_;
  std::unique_ptr<SocketChannel> server_socket_;
  std::unique_ptr<TlsStream> guest_tls_;
  std::unique_ptr<TlsStream> server_tls_;
  std::unique_ptr<Passage> passage_;
  std::optional<Clock::time_point> passage_deadline_ = {};
  linux_::EventLoop::Timer deadline_;
  linux_::EventLoop::Timer turn_;
  std::shared_ptr<Inspection*> self_;  // answers to questions hold a weak one
};

}  // namespace boxlite::net
