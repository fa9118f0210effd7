// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// HTTP/1 messages: a head that is taken is taken again as we write it, for the same host and with the same
// framing, and the content of a body is the same however its bytes come. A host that is taken has nothing
// behind it but a port.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "net/inspection/http/http1_body.h"
#include "net/inspection/http/http1_head.h"

namespace {

using namespace boxlite::net;

std::optional<std::string> content_of(const BodyFraming& framing, std::string_view bytes, std::size_t piece) {
  Http1Body body(framing);
  std::string content;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !body.is_complete(); at += piece) {
    pending += bytes.substr(at, piece);
    const auto step = body.read(pending);
    if (!step) return std::nullopt;
    if (step->consumed > pending.size() || step->content.size() > step->consumed) std::abort();
    pending.erase(0, step->consumed);
    content += step->content;
  }
  return content;
}

void read_body(const BodyFraming& framing, std::string_view bytes) {
  const auto whole = content_of(framing, bytes, bytes.size() + 1);
  for (const std::size_t piece : {1u, 3u, 64u}) {
    const auto other = content_of(framing, bytes, piece);
    if (whole && (!other || *other != *whole)) std::abort();
  }
}

// Letters, digits, '.', '-' and '_', or an address in brackets; then perhaps a colon and at most five digits.
bool is_host_and_port(std::string_view text) {
  const auto take_all_of = [&](std::string_view characters) {
    text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
  };
  const auto size = text.size();
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    take_all_of("0123456789abcdefABCDEF:.");
    if (!text.starts_with(']')) return false;
    text.remove_prefix(1);
  } else {
    take_all_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  }
  if (text.size() == size) return false;
  if (text.empty()) return true;
  if (text.front() != ':' || text.size() > 6) return false;
  text.remove_prefix(1);
  take_all_of("0123456789");
  return text.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  if (const auto head = parse_request_head(bytes); head && *head) {
    if ((*head)->size > size || !may_be_http(bytes)) std::abort();
    const auto again = parse_request_head((*head)->str());
    if (!again || !*again || (*again)->fields.items() != (*head)->fields.items()) std::abort();
    const auto host = authority_of(**head);
    const auto same = authority_of(**again);
    if (host.has_value() != same.has_value() || (host && *host != *same)) std::abort();
    if (const auto field = (*head)->fields.find("host"); host && field && !is_host_and_port(*field))
      std::abort();
    const auto framing = body_framing(**head);
    if (framing) read_body(*framing, bytes.substr((*head)->size));
  }
  if (const auto head = parse_response_head(bytes); head && *head) {
    const auto again = parse_response_head((*head)->str());
    if (!again || !*again || (*again)->status != (*head)->status) std::abort();
    if (const auto framing = body_framing(**head, "GET")) read_body(*framing, bytes.substr((*head)->size));
  }
  read_body({BodyFraming::Kind::chunked, 0}, bytes);
  return 0;
}
