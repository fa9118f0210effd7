// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/inspection.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "net/inspection/http/http1_proxy.h"
#include "net/inspection/http/http2_proxy.h"
#include "net/inspection/splice.h"

namespace boxlite::net {
namespace {

// What a TLS client is told when there is no server for it: a fatal alert, handshake_failure.
constexpr std::string_view handshake_failure("\x15\x03\x03\x00\x02\x02\x28", 7);

bool is_about_a_name(const netpolicy::Verdict& verdict) {
  const auto rule = netpolicy::Rule::parse(verdict.rule);
  return rule &&
         (rule->host() == netpolicy::Rule::Host::name || rule->host() == netpolicy::Rule::Host::suffix);
}

}  // namespace

Inspection::Inspection(const Surroundings& surroundings, netpolicy::Flow flow,
                       std::unique_ptr<SocketChannel> guest, std::move_only_function<void()> on_end)
    : surroundings_(surroundings),
      flow_(std::move(flow)),
      on_end_(std::move(on_end)),
      guest_socket_(std::move(guest)),
      self_(std::make_shared<Inspection*>(this)) {
  // It stands in the guest's /etc/hosts.
  if (flow_.host_alias) flow_.names.emplace_back(netpolicy::host_alias_name);
}

void Inspection::begin() {
  first_verdict_ = surroundings_.judge.decide(flow_);
  watch(*guest_socket_);
  enter(Stage::peeking, peek_limit, "the guest did not tell in time what it connects for");
  if (first_verdict_.decision == netpolicy::Decision::deny) fail_with(first_verdict_.reason);
}

void Inspection::enter(Stage stage, std::chrono::milliseconds limit, std::string_view on_timeout) {
  stage_ = stage;
  deadline_ = surroundings_.loop.after(limit, [this, on_timeout] { fail_with(on_timeout); });
}

void Inspection::watch(Channel& channel) {
  channel.on_change([this] { on_change(); });
}

// What comes before the passage takes the channels apart and puts them together anew, which they must not
// notice while they call.
void Inspection::on_change() {
  if (stage_ == Stage::passing) return pass();
  turn_ = surroundings_.loop.after(std::chrono::milliseconds(0), [this] { advance(); });
}

void Inspection::advance() {
  switch (stage_) {
    case Stage::peeking: return peek();
    case Stage::dialing: return on_dialled();
    case Stage::server_handshake: return on_server_ready();
    case Stage::guest_handshake: return on_guest_ready();
    case Stage::asking:
    case Stage::passing:
    case Stage::ended: return;
  }
}

void Inspection::peek() {
  const auto input = guest_socket_->input();
  const auto blanks = count_line_ends(input);
  if (blanks == input.size()) {
    if (blanks >= Channel::input_limit) fail_with("nothing but line ends");
    if (guest_socket_->failure() || guest_socket_->has_ended()) end();
    return;
  }
  if (may_be_tls(input)) return peek_tls();
  if (may_be_http(input)) return peek_http();
  judge();
}

void Inspection::peek_tls() {
  auto hello = parse_client_hello(guest_socket_->input());
  if (!hello) return fail_with(hello.error().message());
  if (!*hello) {
    // Without room for more it will never be whole.
    if (guest_socket_->input().size() >= Channel::input_limit) fail_with("TLS ClientHello: too long");
    if (guest_socket_->has_ended()) end();
    return;
  }
  content_ = Content::tls;
  hello_ = **std::move(hello);
  name_ = hello_.server_name;
  judge();
}

void Inspection::peek_http() {
  auto input = guest_socket_->input();
  input.remove_prefix(count_line_ends(input));
  const auto head = parse_request_head(input);
  if (!head) return fail_with(head.error().message());
  if (!*head) {
    if (guest_socket_->has_ended()) end();
    return;
  }
  auto authority = authority_of(**head);
  if (!authority) return fail_with(authority.error().message());
  content_ = Content::http;
  name_ = std::move(authority->host);
  judge();
}

void Inspection::judge() {
  if (first_verdict_.decision != netpolicy::Decision::inspect) return dial();
  const auto verdict = verdict_by_name();
  if (verdict.decision != netpolicy::Decision::ask) return apply(verdict);
  stage_ = Stage::asking;
  deadline_.reset();  // who is asked has limits of its own
  surroundings_.judge.ask(flow_, name_, [weak = std::weak_ptr(self_)](const netpolicy::Verdict& answer) {
    if (const auto self = weak.lock()) (*self)->apply(answer);
  });
}

netpolicy::Verdict Inspection::verdict_by_name() const {
  auto verdict = surroundings_.judge.decide_named(flow_, name_);
  // With rules for two names, the address of the one is not that of the other.
  if (verdict.is_allowed() && is_about_a_name(verdict) && !is_pinned_name()) {
    return {netpolicy::Decision::deny, verdict.rule, concat("DNS did not give this address for ", name_)};
  }
  return verdict;
}

void Inspection::judge_again() {
  if (stage_ == Stage::ended) return;
  auto verdict = verdict_again();
  if (verdict.is_allowed() ||
      (verdict.decision == netpolicy::Decision::inspect && stage_ == Stage::peeking) ||
      (verdict.decision == netpolicy::Decision::ask && stage_ == Stage::asking)) {
    // One that has shown no name yet is judged once it has.
    if (stage_ == Stage::peeking) first_verdict_ = std::move(verdict);
    return;
  }
  if (verdict.decision == netpolicy::Decision::ask)
    verdict = {netpolicy::Decision::deny, {}, "the policy changed, and nobody was asked for it"};
  record(verdict, name_);
  reset_both_sides();
  end();
}

netpolicy::Verdict Inspection::verdict_again() const {
  auto verdict = surroundings_.judge.decide(flow_);
  if (verdict.decision != netpolicy::Decision::inspect || stage_ == Stage::peeking) return verdict;
  const bool was_read = first_verdict_.decision == netpolicy::Decision::inspect || content_ != Content::http;
  if (!was_read || had_other_names_)
    return {netpolicy::Decision::deny, verdict.rule,
            "the policy changed, and the connection may be for several hosts"};
  return verdict_by_name();
}

void Inspection::apply(const netpolicy::Verdict& verdict) {
  if (stage_ == Stage::ended) return;
  record(verdict, name_);
  if (!verdict.is_allowed()) {
    guest_socket_->reset();
    return end();
  }
  dial();
}

void Inspection::dial() {
  auto socket = surroundings_.dialer.dial(flow_);
  if (!socket) return fail_with(socket.error().message());
  auto channel = SocketChannel::adopt(surroundings_.loop, *std::move(socket));
  if (!channel) return fail_with(channel.error().message());
  server_socket_ = *std::move(channel);
  watch(*server_socket_);
  enter(Stage::dialing, dial_limit, "the server did not answer in time");
  on_dialled();
}

void Inspection::on_dialled() {
  if (server_socket_->failure()) return fail_with(server_socket_->failure()->message());
  if (guest_socket_->failure()) return end();
  if (!server_socket_->is_connected()) return;
  if (content_ == Content::tls && surroundings_.interception != nullptr && is_pinned_name()) {
    const auto secrets = surroundings_.interception->secrets().for_host(name_, flow_.port);
    if (!secrets.empty()) {
      substitution_.emplace(secrets);
      return begin_interception();
    }
  }
  if (content_ == Content::http && first_verdict_.decision == netpolicy::Decision::inspect) {
    return start_passage(std::make_unique<Http1Proxy>(*guest_socket_, *server_socket_, exchange_rules()));
  }
  start_passage(std::make_unique<Splice>(*guest_socket_, *server_socket_));
}

// Without our own DNS behind the name, the address could be anybody's.
bool Inspection::is_pinned_name() const {
  return std::ranges::find(flow_.names, name_) != flow_.names.end();
}

void Inspection::begin_interception() {
  auto tls = surroundings_.interception->client().begin(name_, hello_.protocols);
  if (!tls) return refuse_tls(tls.error().message());
  stage_ = Stage::server_handshake;  // within the limit of dialling
  record({netpolicy::Decision::allow, {}, "TLS is ended here for the sake of secrets"}, name_);
  auto stream = TlsStream::create(*std::move(tls), std::move(server_socket_));
  if (!stream) return refuse_tls(stream.error().message());
  server_tls_ = *std::move(stream);
  watch(*server_tls_);
  on_server_ready();
}

void Inspection::on_server_ready() {
  if (server_tls_->failure()) return refuse_tls(server_tls_->failure()->message());
  if (guest_socket_->failure()) return end();
  if (!server_tls_->is_ready()) return;
  auto tls = surroundings_.interception->server().begin(name_, server_tls_->protocol(), now());
  if (!tls) return refuse_tls(tls.error().message());
  enter(Stage::guest_handshake, handshake_limit, "the guest did not end its TLS handshake in time");
  auto stream = TlsStream::create(*std::move(tls), std::move(guest_socket_));
  if (!stream) return fail_with(stream.error().message());
  guest_tls_ = *std::move(stream);
  watch(*guest_tls_);
  on_guest_ready();
}

void Inspection::on_guest_ready() {
  if (guest_tls_->failure()) return fail_with(concat("guest: ", guest_tls_->failure()->message()));
  if (server_tls_->failure()) return fail_with(server_tls_->failure()->message());
  if (!guest_tls_->is_ready()) return;
  if (server_tls_->protocol() != http2_protocol) {
    return start_passage(std::make_unique<Http1Proxy>(*guest_tls_, *server_tls_, exchange_rules()));
  }
  auto proxy = Http2Proxy::create(*guest_tls_, *server_tls_, exchange_rules());
  if (!proxy) return fail_with(proxy.error().message());
  start_passage(*std::move(proxy));
}

void Inspection::start_passage(std::unique_ptr<Passage> passage) {
  passage_ = std::move(passage);
  stage_ = Stage::passing;
  deadline_.reset();
  pass();
}

void Inspection::pass() {
  switch (passage_->advance(Clock::now())) {
    case Passage::State::running: return arm_passage_deadline();
    case Passage::State::done: return end();
    case Passage::State::broken: break;
  }
  reset_both_sides();
  end();
}

void Inspection::reset_both_sides() {
  if (guest_tls_) guest_tls_->reset();
  if (guest_socket_) guest_socket_->reset();
  if (server_tls_) server_tls_->reset();
  if (server_socket_) server_socket_->reset();
}

void Inspection::arm_passage_deadline() {
  const auto limit = passage_->deadline();
  if (limit == passage_deadline_) return;
  passage_deadline_ = limit;
  deadline_.reset();
  if (limit) deadline_ = surroundings_.loop.at(*limit, [this] { pass(); });
}

ExchangeRules Inspection::exchange_rules() {
  return {[this](const Authority& authority) { return refusal_of(authority); },
          [this](std::string_view why) { record({netpolicy::Decision::deny, {}, std::string(why)}, name_); },
          substitution_ ? &*substitution_ : nullptr};
}

std::optional<std::string> Inspection::refusal_of(const Authority& authority) {
  const auto& host = authority.host;
  if (substitution_ && authority.port && *authority.port != flow_.port &&
      *authority.port != netpolicy::Secret::default_port) {
    auto why = concat("a connection to port ", flow_.port, " asks for port ", *authority.port);
    record({netpolicy::Decision::deny, {}, why}, host);
    return why;
  }
  if (host == name_) return std::nullopt;
  // A client that was told a certificate for one name must not use it for another.
  netpolicy::Verdict verdict{
      netpolicy::Decision::deny, {}, concat("a connection for ", name_, " asks for ", host)};
  if (content_ == Content::http) {
    verdict = surroundings_.judge.decide_named(flow_, host);
    if (verdict.is_allowed()) {
      had_other_names_ = true;
      return std::nullopt;
    }
    if (verdict.decision == netpolicy::Decision::ask)
      verdict = {netpolicy::Decision::deny, {}, "nobody is asked within a connection"};
  }
  record(verdict, host);
  return concat("the network policy refuses ", host, ": ", verdict.reason);
}

void Inspection::record(const netpolicy::Verdict& verdict, std::string_view name) {
  auto record = audit_of(flow_, verdict);
  if (!name.empty()) record.name = name;
  if (hello_.has_encrypted_hello) record.reason += record.reason.empty() ? "ECH offered" : "; ECH offered";
  surroundings_.judge.record(std::move(record));
}

void Inspection::fail_with(std::string_view why) {
  if (stage_ == Stage::ended) return;
  record({netpolicy::Decision::deny, {}, std::string(why)}, name_);
  if (guest_tls_) guest_tls_->reset();
  if (guest_socket_) guest_socket_->reset();
  end();
}

// An alert is something that a program can report; a reset looks like a fault of the network.
void Inspection::refuse_tls(std::string_view why) {
  record({netpolicy::Decision::deny, {}, std::string(why)}, name_);
  guest_socket_->consume(guest_socket_->input().size());
  guest_socket_->write(handshake_failure);
  guest_socket_->finish();
  end();
}

void Inspection::end() {
  if (stage_ == Stage::ended) return;
  stage_ = Stage::ended;
  deadline_.reset();
  turn_.reset();
  on_end_();
}

}  // namespace boxlite::net
