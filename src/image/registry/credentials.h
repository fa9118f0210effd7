// SPDX-License-Identifier: Apache-2.0
// What `docker login` and `podman login` stored: config.json with its credential helpers, auth.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::image {

struct Credentials {
  std::string username = {};
  std::string password = {};
  std::string identity_token = {};  // exchanged for an access token (OAuth 2 refresh token)
  std::string bearer_token = {};    // sent as it is

  bool is_empty() const { return username.empty() && identity_token.empty() && bearer_token.empty(); }
};

struct CredentialFile {
  std::map<std::string, Credentials> auths = {};    // by server, as in the file
  std::map<std::string, std::string> helpers = {};  // credHelpers: server to program suffix
  std::string default_helper = {};                  // credsStore
};

// Bytes from a file of the user. An entry that cannot be decoded is corrupted, with its name but never its
// content.
Result<CredentialFile> parse_credential_file(std::string_view json);
// What a helper printed for `get`.
Result<Credentials> parse_helper_answer(std::string_view json);

// $DOCKER_CONFIG/config.json or ~/.docker/config.json, then $REGISTRY_AUTH_FILE or
// $XDG_RUNTIME_DIR/containers/auth.json.
std::vector<std::filesystem::path> default_credential_files();

struct CredentialSearch {
  Credentials credentials = {};
  // Why a file or a helper could not answer: to be told when the registry refuses.
  std::string problem = {};
};

// The first match in the files. `repository` finds podman's entries for a part of a registry. Runs a helper
// (docker-credential-X from PATH, 30 seconds) without a shell. May block; thread-safe.
CredentialSearch find_credentials(const std::vector<std::filesystem::path>& files, std::string_view registry,
                                  std::string_view repository);

Result<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace boxlite::image
