// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "image/registry/registry_answers.h"
#include "oci/fields.h"

namespace boxlite::image {
namespace {

namespace fields = oci::fields;

constexpr std::size_t max_answer_bytes = 1u << 20;
constexpr std::size_t max_shown = 300;

// What a server says goes into messages, so it may hold neither line breaks nor escapes.
std::string printable(std::string_view text) {
  const auto quoted = in_quotes(text.substr(0, max_shown));
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

Result<std::string> parse_token_answer(std::string_view json) {
  const auto document = BOXLITE_TRY(fields::parse(json, "answer of the token server", max_answer_bytes));
  if (!document.is_object())
    return fail(ErrorCode::corrupted, "parse answer of the token server: not a JSON object");
  auto token = BOXLITE_TRY(fields::text(document, "token"));
  if (token.empty()) token = BOXLITE_TRY(fields::text(document, "access_token"));
  const bool is_clean = token.find_first_of("\r\n") == std::string::npos;
  if (token.empty() || !is_clean)
    return fail(ErrorCode::corrupted, "parse answer of the token server: it has no token");
  return token;
}

std::string describe_errors(std::string_view body) {
  const auto document = fields::parse(body, "error", max_answer_bytes);
  if (!document || !document->is_object()) return {};
  const auto* errors = fields::find(*document, "errors");
  if (!errors || !errors->is_array() || errors->empty() || !errors->front().is_object()) {
    const auto details = fields::text(*document, "details");
    return details ? printable(*details) : std::string();
  }
  const auto code = fields::text(errors->front(), "code");
  const auto message = fields::text(errors->front(), "message");
  if (!code || !message) return {};
  return printable(code->empty() || message->empty() ? *code + *message : concat(*code, ": ", *message));
}

}  // namespace boxlite::image
