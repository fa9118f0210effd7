// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// The inspection of connections as a whole, between a guest and a server that follow a script: the first byte
// chooses HTTP/1 or HTTP/2 with a secret, or a connection that a deny rule for a name governs; then come
// steps, each a byte that says what, one that says how much, and bytes. A second reader of authorities, as
// lenient as servers are, says whom what reaches the server is for; and the guest sees the same, at the same
// steps, whatever the secret's value is that does not occur in full.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/sockets/unix_socket.h"
#include "net/inspection/http/http1_proxy.h"
#include "net/inspection/http/http2_proxy.h"
#include "net/inspection/inspector.h"
#include "net/inspection/test_channel.h"
#include "net/inspection/test_dialer.h"

namespace {

using namespace boxlite;
using namespace boxlite::net;
using Clock = Passage::Clock;

constexpr std::string_view value = "the-real-value-of-it";
constexpr std::string_view other_value = "the-real-value-of-no";
constexpr std::string_view placeholder = "<BOXLITE_SECRET:key>";
constexpr std::string_view host = "api.test";
constexpr std::string_view denied_host = "evil.test";

void require(bool holds) {
  if (!holds) std::abort();
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

// ---- the script
// --------------------------------------------------------------------------------------------

struct Step {
  std::uint8_t what = 0;
  std::uint8_t count = 0;
  std::string bytes = {};
};

// 1 stands for the placeholder, 2 and a length for the beginning of the value, 3 for a line end, 4 for the
// end of a head.
std::string expanded(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    switch (bytes[at]) {
      case 1: text += placeholder; break;
      case 2:
        if (++at < bytes.size())
          text += value.substr(0, static_cast<std::uint8_t>(bytes[at]) % (value.size() + 1));
        break;
      case 3: text += "\r\n"; break;
      case 4: text += "\r\n\r\n"; break;
      default: text += bytes[at];
    }
  }
  return text;
}

std::vector<Step> parse_script(std::string_view input) {
  std::vector<Step> steps;
  while (input.size() >= 2 && steps.size() < 40) {
    Step step{static_cast<std::uint8_t>(input[0]), static_cast<std::uint8_t>(input[1])};
    step.bytes = expanded(input.substr(2, step.count));
    input.remove_prefix(std::min<std::size_t>(2u + step.count, input.size()));
    steps.push_back(std::move(step));
  }
  return steps;
}

// ---- another reader of requests
// ------------------------------------------------------------------------------

// What some client or server could take for the host: all that stands before or behind an '@', each of a
// list.
std::vector<std::string> hosts_in(std::string_view authority) {
  std::vector<std::string> hosts;
  std::string part;
  const auto add = [&] {
    if (const auto colon = part.find(':'); colon != std::string::npos && !part.starts_with('[')) {
      const auto rest = part.substr(colon + 1);
      require(rest.empty() ||
              std::ranges::all_of(rest, [](unsigned char c) { return std::isdigit(c) != 0; }));
      part.resize(colon);
    }
    if (part.ends_with('.')) part.pop_back();
    hosts.push_back(lower(part));
    part.clear();
  };
  for (const char c : authority) {
    if (std::string_view("@,;/\\?# \t").contains(c)) {
      add();
    } else {
      part += c;
    }
  }
  add();
  return hosts;
}

void require_ours(std::string_view authority) {
  for (const auto& found : hosts_in(authority)) require(found == host);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

struct ReadRequest {
  bool is_http = false;  // by its method, and its version or the lack of one
  std::vector<std::string> authorities;
  std::optional<std::string> length;
  bool is_chunked = false;
};

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// Of the front of `text`, taking the head off; nothing where there is not even a line.
std::optional<ReadRequest> read_request(std::string_view& text) {
  const auto start = std::ranges::find_if(text, [](unsigned char c) { return std::isspace(c) == 0; });
  text.remove_prefix(static_cast<std::size_t>(start - text.begin()));
  if (!text.contains('\n')) return std::nullopt;
  ReadRequest request;
  const auto words = words_of(take_line(text));
  if (words.size() > 1) {
    request.is_http =
        std::ranges::all_of(words[0],
                            [](unsigned char c) {
                              return std::isalnum(c) != 0 ||
                                     std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
                            }) &&
        (lower(words.back()).starts_with("http/") || lower(words[0]) == "get");
    if (const auto scheme = words[1].find("://"); scheme != std::string::npos && !words[1].starts_with('/')) {
      const auto rest = std::string_view(words[1]).substr(scheme + 3);
      request.authorities.emplace_back(rest.substr(0, rest.find_first_of("/?#")));
    }
  }
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    const auto name = lower(trimmed(line.substr(0, colon)));
    const auto text_of_it = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (name == "host") request.authorities.emplace_back(text_of_it);
    if (name == "content-length") request.length = text_of_it;
    if (name == "transfer-encoding") request.is_chunked = true;
  }
  return request;
}

void skip_body(const ReadRequest& request, std::string_view& text) {
  if (!request.is_chunked) {
    const auto length = request.length ? std::strtoull(request.length->c_str(), nullptr, 10) : 0;
    text.remove_prefix(static_cast<std::size_t>(std::min<unsigned long long>(length, text.size())));
    return;
  }
  while (!text.empty()) {
    const std::string line(take_line(text));
    const auto size = std::strtoull(line.c_str(), nullptr, 16);
    if (size == 0) break;
    text.remove_prefix(static_cast<std::size_t>(std::min<unsigned long long>(size + 2, text.size())));
  }
  while (!text.empty() && !take_line(text).empty()) {
  }
}

// All that an HTTP/1 server gets before it changes the protocol.
void require_requests_for_us(std::string_view text) {
  while (const auto request = read_request(text)) {
    require(!request->authorities.empty());
    for (const auto& authority : request->authorities) require_ours(authority);
    skip_body(*request, text);
  }
}

// ---- what the guest sees
// -------------------------------------------------------------------------------------

struct Trace {
  std::vector<std::string> guest;      // what came at each step
  std::vector<Clock::duration> waits;  // until when the passage wants to be called again, at each step
  std::string to_server = {};
  std::string from_server = {};
  bool has_waited = false;

  std::string seen() const {
    std::string all;
    for (const auto& step : guest) all += step;
    return all;
  }
};

struct Rig {
  explicit Rig(std::string_view real)
      : secret(*netpolicy::Secret::create({"key", {std::string(host)}, ""}, netpolicy::SecretValue(real))) {}
  ExchangeRules rules() const {
    return {[](const Authority& authority) -> std::optional<std::string> {
              if (authority.host == host && authority.port.value_or(443) == 443) return std::nullopt;
              return "refused";
            },
            [](std::string_view) {}, &substitution};
  }
  void note(Trace& trace) const {
    const auto limit = passage->deadline();
    trace.waits.push_back(limit ? *limit - now : Clock::duration::max());
  }

  netpolicy::Secret secret;
  Substitution substitution{{&secret}};
  std::unique_ptr<TestChannel> guest, guest_side, server, server_side;
  std::unique_ptr<Passage> passage;
  Clock::time_point now = Clock::time_point() + std::chrono::hours(1000);
};

Trace run_http1(const std::vector<Step>& script, std::string_view real) {
  Rig rig(real);
  std::tie(rig.guest, rig.guest_side) = TestChannel::make_pair();
  std::tie(rig.server, rig.server_side) = TestChannel::make_pair();
  rig.passage = std::make_unique<Http1Proxy>(*rig.guest_side, *rig.server_side, rig.rules());
  Trace trace;
  for (const auto& step : script) {
    switch (step.what % 8) {
      case 0:
      case 1: rig.guest->write(step.bytes); break;
      case 2:
      case 3:
        rig.server->write(step.bytes);
        trace.from_server += step.bytes;
        break;
      case 4:
        rig.now += std::chrono::milliseconds(step.count * 4);
        trace.has_waited = true;
        break;
      case 5: rig.guest_side->set_output_limit(step.count % 2 == 0 ? 0 : Channel::output_limit); break;
      case 6: rig.guest->finish(); break;
      default: rig.server->finish();
    }
    const auto state = rig.passage->advance(rig.now);
    trace.guest.push_back(rig.guest->take());
    trace.to_server += rig.server->take();
    rig.note(trace);
    if (state != Passage::State::running) break;
  }
  return trace;
}

void check_same(const Trace& one, const Trace& other) {
  for (const auto* trace : {&one, &other}) {
    const auto seen = trace->seen();
    // A value did occur.
    if (seen.contains(placeholder) || seen.contains(std::string(value.size(), '*'))) return;
  }
  require(one.guest == other.guest);
  require(one.waits == other.waits);
}

void fuzz_http1(const std::vector<Step>& script) {
  const auto trace = run_http1(script, value);
  check_same(trace, run_http1(script, other_value));
  const bool may_be_upgraded = trace.from_server.contains("101");
  if (may_be_upgraded) return;
  require_requests_for_us(trace.to_server);
  // Compressed content, and what the server cuts, is not promised.
  if (trace.has_waited || lower(trace.from_server).contains("content-encoding")) return;
  require(!trace.seen().contains(value));
}

// ---- HTTP/2
// ----------------------------------------------------------------------------------------------------

struct Peer : Http2Session::Listener {
  Peer(Http2Session::Part part, Channel& channel) : session(*Http2Session::create(part, channel, *this)) {}
  void on_head(std::int32_t id, HttpFields fields, bool) override {
    streams.push_back(id);
    for (const auto& field : fields.items()) seen += field.name + ": " + field.value + "\n";
    heads.push_back(std::move(fields));
  }
  void on_content(std::int32_t id, std::string_view bytes) override {
    content[id] += bytes;
    unread[id] += bytes.size();
  }
  void on_end(std::int32_t, HttpFields fields) override {
    for (const auto& field : fields.items()) seen += field.name + ": " + field.value + "\n";
  }
  void on_closed(std::int32_t id, std::uint32_t error) override {
    seen += std::to_string(id) + " closed " + std::to_string(error) + "\n";
  }
  void on_taken(std::int32_t, std::size_t) override {}
  void on_going_away() override { seen += "going\n"; }
  void read_all() {
    for (auto& [id, count] : unread) session->consume(id, std::exchange(count, 0));
  }

  std::unique_ptr<Http2Session> session;
  std::vector<std::int32_t> streams;
  std::vector<HttpFields> heads;
  std::string seen;
  std::map<std::int32_t, std::string> content;
  std::map<std::int32_t, std::size_t> unread;
};

// "name: value" lines; the first ones may replace pseudo-fields.
HttpFields fields_of(std::string_view text, HttpFields fields) {
  while (!text.empty()) {
    const auto line = take_line(text);
    const auto colon = line.find(':', 1);
    if (colon == std::string_view::npos) continue;
    const auto name = lower(trimmed(line.substr(0, colon)));
    const std::string content(trimmed(line.substr(colon + 1)));
    const auto found = std::ranges::find(fields.items(), name, &HttpField::name);
    if (name.starts_with(':') && found != fields.items().end()) {
      found->value = content;
    } else if (!name.starts_with(':')) {
      fields.items().push_back({name, content});
    }
  }
  return fields;
}

class Http2Run {
 public:
  explicit Http2Run(std::string_view real) : rig_(real) {
    std::tie(rig_.guest, rig_.guest_side) = TestChannel::make_pair();
    std::tie(rig_.server, rig_.server_side) = TestChannel::make_pair();
    rig_.now = Clock::now();  // its sessions have limits of their own
    rig_.passage = *Http2Proxy::create(*rig_.guest_side, *rig_.server_side, rig_.rules());
    client_.emplace(Http2Session::Part::client, *rig_.guest);
    origin_.emplace(Http2Session::Part::server, *rig_.server);
  }

  Trace run(const std::vector<Step>& script) {
    bool goes_on = turn();
    for (const auto& step : script) {
      if (!goes_on) break;
      take(step);
      goes_on = turn();
      note();
    }
    for (const auto& head : origin_->heads) {
      for (const auto& field : head.items()) {
        if (field.name == ":authority" || field.name == "host") require_ours(field.value);
      }
    }
    return std::move(trace_);
  }

 private:
  void take(const Step& step) {
    switch (step.what % 9) {
      case 0:
      case 1: request(step); break;
      case 2: respond(step); break;
      case 3: grow(step, false); break;
      case 4: grow(step, true); break;
      case 5:
        rig_.now += std::chrono::milliseconds(step.count * 4);
        trace_.has_waited = true;
        break;
      case 6: client_->read_all(); break;
      case 7:
        if (!origin_->streams.empty())
          origin_->session->reset(origin_->streams[step.count % origin_->streams.size()], NGHTTP2_CANCEL);
        break;
      default: rig_.guest->write(step.bytes);
    }
  }
  void request(const Step& step) {
    HttpFields fields;
    fields.items() = {
        {":method", "GET"}, {":scheme", "https"}, {":authority", std::string(host)}, {":path", "/"}};
    auto& body = *bodies_.emplace_back(std::make_unique<Http2Body>());
    if (step.what % 2 == 1) body.append(step.bytes);
    body.end();
    (void)client_->session->request(fields_of(step.bytes, fields), step.what % 2 == 1 ? &body : nullptr);
  }
  void respond(const Step& step) {
    if (origin_->streams.empty()) return;
    HttpFields fields;
    fields.items() = {{":status", "200"}};
    const auto id = origin_->streams[step.what / 9u % origin_->streams.size()];
    if (answers_.contains(id)) return;
    fields = fields_of(step.bytes, fields);
    trace_.from_server += step.bytes;
    const bool is_interim = fields.items().front().value.starts_with('1');
    auto* const body = is_interim ? nullptr : &answers_[id];
    origin_->session->respond(id, fields, body);
  }
  void grow(const Step& step, bool is_last) {
    if (answers_.empty()) return;
    auto& [id, body] = *std::next(answers_.begin(), step.what / 9 % static_cast<int>(answers_.size()));
    if (body.is_ended()) return;
    std::string bytes;
    // Once more than the windows admit.
    const bool is_flood = !step.bytes.empty() && step.count % 7 == 6 && !std::exchange(has_flooded_, true);
    do bytes += step.bytes;
    while (is_flood && bytes.size() < 2 * Http2Session::stream_window);
    if (is_last) {
      body.end(fields_of(step.bytes, {}));
    } else {
      body.append(bytes);
    }
    origin_->session->resume(id);
  }
  bool turn() {
    for (int i = 0; i < 60; ++i) {
      const auto one = client_->session->advance();
      if (rig_.passage->advance(rig_.now) != Passage::State::running) return false;
      const auto other = origin_->session->advance();
      if (!one || !other) return false;
      if (!*one && !*other) break;
    }
    return true;
  }
  void note() {
    auto seen = std::exchange(client_->seen, {});
    for (auto& [id, bytes] : client_->content)
      seen += std::to_string(id) + " " + std::exchange(bytes, {}) + "\n";
    trace_.guest.push_back(std::move(seen));
  }

  Rig rig_;
  Trace trace_;
  bool has_flooded_ = false;
  std::vector<std::unique_ptr<Http2Body>> bodies_;
  std::map<std::int32_t, Http2Body> answers_;
  std::optional<Peer> client_, origin_;
};

void fuzz_http2(const std::vector<Step>& script) {
  const auto trace = Http2Run(value).run(script);
  check_same(trace, Http2Run(other_value).run(script));
  if (trace.has_waited || lower(trace.from_server).contains("content-encoding")) return;
  require(!trace.seen().contains(value));
}

// ---- a deny rule for a name
// -----------------------------------------------------------------------------------

struct PolicyJudge : NameJudge {
  netpolicy::Verdict decide(const netpolicy::Flow& flow) override { return policy->decide(flow); }
  netpolicy::Verdict decide_named(const netpolicy::Flow& flow, std::string_view name) override {
    return policy->decide_named(flow, name);
  }
  void ask(const netpolicy::Flow&, std::string_view,
           std::move_only_function<void(netpolicy::Verdict)>) override {}
  void record(netpolicy::AuditRecord) override {}
  std::shared_ptr<const netpolicy::Policy> policy =
      *netpolicy::Policy::create({.deny = {std::string(denied_host)}});
};

std::size_t number_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i)
    number = number << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return number;
}

// A server that takes any version, and skips what comes before the hello.
bool says_hello_for(std::string_view bytes, std::string_view name) {
  while (bytes.size() > 5 && bytes[0] >= 20 && bytes[0] <= 24 && bytes[0] != 22)
    bytes.remove_prefix(std::min(5 + number_at(bytes, 3, 2), bytes.size()));
  return bytes.size() > 5 && bytes[0] == 22 && bytes[5] == 1 && lower(bytes).contains(name);
}

void require_not_for_denied(std::string_view bytes) {
  require(!says_hello_for(bytes, denied_host));
  const bool is_complete = bytes.contains("\n\r\n") || bytes.contains("\n\n");
  const auto request = read_request(bytes);
  if (!request || !is_complete || !request->is_http) return;
  for (const auto& authority : request->authorities) {
    for (const auto& found : hosts_in(authority)) require(found != denied_host);
  }
}

void fuzz_names(const std::vector<Step>& script) {
  const auto loop = *linux_::EventLoop::create();
  PairDialer dialer;
  PolicyJudge judge;
  Inspector inspector(*loop, dialer, judge, nullptr);
  auto pair = *linux_::unix_socket_pair();
  require(linux_::set_non_blocking(pair.first.get()) && linux_::set_non_blocking(pair.second.get()));
  inspector.take(std::move(pair.first),
                 {.destination = *netpolicy::IpAddress::parse("93.184.216.34"), .port = 443});
  std::string got;
  std::unique_ptr<SocketChannel> server;
  const auto guest = *SocketChannel::adopt(*loop, std::move(pair.second));
  for (const auto& step : script) {
    guest->write(step.bytes);
    for (int i = 0; i < 8; ++i) {
      if (!*loop->run_once(Deadline::after(std::chrono::milliseconds(0)))) break;
    }
    if (!server && !dialer.far.empty()) server = *SocketChannel::adopt(*loop, std::move(dialer.far.front()));
    if (!server) continue;
    (void)loop->run_once(Deadline::after(std::chrono::milliseconds(0)));
    got += server->input();
    server->consume(server->input().size());
  }
  require_not_for_denied(got);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 1) return 0;
  const auto script = parse_script({reinterpret_cast<const char*>(input) + 1, size - 1});
  switch (input[0] % 3) {
    case 0: fuzz_http1(script); break;
    case 1: fuzz_http2(script); break;
    default: fuzz_names(script);
  }
  return 0;
}
