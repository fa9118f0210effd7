// SPDX-License-Identifier: Apache-2.0
// Talking to one registry: which scheme it speaks, how it wants us to authenticate, when to try again.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/registry/challenge.h"
#include "image/registry/credentials.h"
#include "image/registry/http_client.h"
#include "image/registry/registry_config.h"

namespace boxlite::image {

struct RetryLimits {
  int retries = 3;
  std::chrono::milliseconds first_pause{500};  // doubled each time, with jitter
  std::chrono::seconds longest_pause{60};      // also of what Retry-After asks for
};

// Sleeps before retry number `attempt` (from 0); `asked` is the server's Retry-After. cancelled on a stop
// request.
Result<void> pause_before_retry(const RetryLimits& limits, int attempt,
                                std::optional<std::chrono::seconds> asked, const std::stop_token& stop);
// Seconds, or an HTTP date; nothing when it is neither.
std::optional<std::chrono::seconds> parse_retry_after(const std::string& value);

// Thread-safe. Tokens are kept per repository for the life of the session.
class RegistrySession {
 public:
  RegistrySession(HttpClient& http, RegistryConfig config,
                  std::vector<std::filesystem::path> credential_files, RetryLimits limits);

  const RegistryConfig& config() const { return config_; }

  // GET <registry>/v2/<prefix>/<repository>/<rest>. Fills in url, authorization, TLS options of `request`;
  // authenticates when asked to. One try: statuses other than 401 are the caller's.
  Result<HttpResponse> get(const std::string& repository, const std::string& rest, HttpRequest request);
  // The same with retries for what may pass (429, 5xx, lost connections); a refused connection is final.
  // Other statuses than 2xx are errors that say what the registry said.
  Result<HttpResponse> get_document(const std::string& repository, const std::string& rest,
                                    const HttpRequest& request);

  // GET of what a manifest says is elsewhere: without credentials, and over https unless the registry itself
  // is spoken to in plain http. invalid_argument for another URL.
  Result<HttpResponse> get_elsewhere(const std::string& url, HttpRequest request);

  // The error for a response that is not a success.
  Error refusal(const HttpResponse& response, const std::string& repository) const;
  const RetryLimits& limits() const { return limits_; }

 private:
  std::string path(const std::string& repository, const std::string& rest) const;
  Result<HttpResponse> send_first(HttpRequest& request, const std::string& path);
  std::string authorization_for(const std::string& repository);
  Result<std::string> authorize(const HttpResponse& response, const std::string& repository,
                                const HttpRequest& request);
  Result<std::string> fetch_token(const Challenge& challenge, const std::string& repository,
                                  const HttpRequest& request);
  const Credentials& credentials(const std::string& repository);

  HttpClient& http_;
  RegistryConfig config_;
  std::vector<std::filesystem::path> credential_files_;
  RetryLimits limits_;

  mutable std::mutex mutex_;
  std::string scheme_;                                 // empty until the registry answered
  std::map<std::string, std::string> authorizations_;  // by repository
  std::optional<CredentialSearch> found_;
};

// The same for host[:port].
bool is_loopback_registry(std::string_view registry);

}  // namespace boxlite::image
