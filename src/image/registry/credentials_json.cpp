// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "image/registry/credentials.h"
#include "oci/fields.h"

namespace boxlite::image {
namespace {

namespace fields = oci::fields;

constexpr std::size_t max_bytes = 1u << 20;
constexpr std::size_t max_servers = 10'000;

Result<Credentials> read_auth(const nlohmann::json& entry) {
  if (!entry.is_object()) return fields::wrong("auths", "an object for each server");
  Credentials credentials;
  credentials.username = BOXLITE_TRY(fields::text(entry, "username"));
  credentials.password = BOXLITE_TRY(fields::text(entry, "password"));
  credentials.identity_token = BOXLITE_TRY(fields::text(entry, "identitytoken"));
  credentials.bearer_token = BOXLITE_TRY(fields::text(entry, "registrytoken"));
  const auto encoded = BOXLITE_TRY(fields::text(entry, "auth"));
  if (!encoded.empty()) {
    const auto pair = BOXLITE_TRY(decode_base64(encoded));
    const auto colon = pair.find(':');
    if (colon == std::string::npos) return fields::wrong("auth", "base64 of user:password");
    credentials.username = pair.substr(0, colon);
    credentials.password = pair.substr(colon + 1);
    // Docker pads the password with zero bytes in old files.
    while (credentials.password.ends_with('\0')) credentials.password.pop_back();
  }
  return credentials;
}

}  // namespace

Result<CredentialFile> parse_credential_file(std::string_view json) {
  const auto document = BOXLITE_TRY(fields::parse(json, "credential file", max_bytes));
  if (!document.is_object()) return fail(ErrorCode::corrupted, "parse credential file: not a JSON object");
  CredentialFile file;
  file.helpers = BOXLITE_TRY(fields::text_map(document, "credHelpers", max_servers));
  file.default_helper = BOXLITE_TRY(fields::text(document, "credsStore"));
  if (const auto* auths = fields::find(document, "auths")) {
    if (!auths->is_object() || auths->size() > max_servers) return fields::wrong("auths", "an object");
    for (const auto& item : auths->items()) {
      file.auths.emplace(
          item.key(), BOXLITE_TRY_CONTEXT(concat("entry ", in_quotes(item.key())), read_auth(item.value())));
    }
  }
  return file;
}

Result<Credentials> parse_helper_answer(std::string_view json) {
  const auto document = BOXLITE_TRY(fields::parse(json, "answer of the credential helper", max_bytes));
  if (!document.is_object())
    return fail(ErrorCode::corrupted, "parse answer of the credential helper: not a JSON object");
  const auto username = BOXLITE_TRY(fields::text(document, "Username"));
  auto secret = BOXLITE_TRY(fields::text(document, "Secret"));
  // The protocol's mark for an identity token.
  if (username == "<token>") return Credentials{.identity_token = std::move(secret)};
  return Credentials{.username = username, .password = std::move(secret)};
}

}  // namespace boxlite::image
