// SPDX-License-Identifier: Apache-2.0
#include "image/registry/registry_session.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "image/registry/registry_answers.h"
#include "oci/reference.h"

namespace boxlite::image {
namespace {

std::string server_of(const std::string& host) {
  return host == oci::default_registry ? "registry-1.docker.io" : host;
}

// Scopes of several words are several parameters, as Docker's own client sends them.
std::string token_query(const Challenge& challenge, const std::string& default_scope) {
  std::string query;
  const auto add = [&](std::string_view name, std::string_view value) {
    query += concat(query.empty() ? "" : "&", name, "=", url_encode(value));
  };
  if (const auto service = challenge.parameters.find("service"); service != challenge.parameters.end()) {
    add("service", service->second);
  }
  const auto found = challenge.parameters.find("scope");
  std::string_view scopes =
      found == challenge.parameters.end() ? std::string_view(default_scope) : found->second;
  while (!scopes.empty()) {
    const auto space = std::min(scopes.find(' '), scopes.size());
    if (space > 0) add("scope", scopes.substr(0, space));
    scopes.remove_prefix(std::min(space + 1, scopes.size()));
  }
  return query;
}

bool may_pass(int status) {
  return status == 429 || status == 408 || (status >= 500 && status != 501);
}

// Nobody listens, or there is no such host: asking again at once gives the same answer.
bool is_final(const Error& error) {
  return error.os_error() != 0 ||
         !(error.code() == ErrorCode::unavailable || error.code() == ErrorCode::timed_out);
}

}  // namespace

bool is_loopback_registry(std::string_view registry) {
  const auto bracket = registry.find(']');
  const auto host = registry.substr(0, registry.find(':', bracket == std::string_view::npos ? 0 : bracket));
  return is_loopback(host);
}

RegistrySession::RegistrySession(HttpClient& http, RegistryConfig config,
                                 std::vector<std::filesystem::path> credential_files, RetryLimits limits)
    : http_(http),
      config_(std::move(config)),
      credential_files_(std::move(credential_files)),
      limits_(limits) {
  if (config_.transport == Transport::http) scheme_ = "http";
  if (config_.transport == Transport::https ||
      (config_.transport == Transport::automatic && !is_loopback_registry(config_.host))) {
    scheme_ = "https";
  }
}

std::string RegistrySession::path(const std::string& repository, const std::string& rest) const {
  const auto prefix = config_.path_prefix.empty() ? std::string() : concat(config_.path_prefix, "/");
  return concat("://", server_of(config_.host), "/v2/", prefix, repository, "/", rest);
}

Result<HttpResponse> RegistrySession::send_first(HttpRequest& request, const std::string& path_text) {
  std::string scheme;
  {
    const std::lock_guard guard(mutex_);
    scheme = scheme_;
  }
  if (!scheme.empty()) {
    request.url = concat(scheme, path_text);
    return http_.send(request);
  }
  request.url = concat("https", path_text);
  auto response = http_.send(request);
  if (!response && response.error().code() != ErrorCode::cancelled) {
    const auto https_error = response.error();
    request.url = concat("http", path_text);
    response = http_.send(request);
    if (!response && response.error().code() != ErrorCode::cancelled) {
      return fail(Error(https_error.code(),
                        concat(https_error.message(), "; over http: ", response.error().message()),
                        response.error().os_error())
                      .with_remedy(concat("check that the registry runs on ", config_.host)));
    }
  }
  if (response) {
    const std::lock_guard guard(mutex_);
    scheme_ = request.url.substr(0, request.url.find(':'));
  }
  return response;
}

Result<HttpResponse> RegistrySession::get(const std::string& repository, const std::string& rest,
                                          HttpRequest request) {
  request.skip_verify = config_.skip_verify;
  request.ca_file = config_.ca_file;
  request.authorization = authorization_for(repository);
  const auto path_text = path(repository, rest);
  auto response = send_first(request, path_text);
  if (!response || response->status != 401) return response;
  {
    // Another thread may have renewed the token meanwhile.
    const auto current = authorization_for(repository);
    if (current != request.authorization) {
      request.authorization = current;
      response = http_.send(request);
      if (!response || response->status != 401) return response;
    }
  }
  request.authorization = BOXLITE_TRY(authorize(*response, repository, request));
  {
    const std::lock_guard guard(mutex_);
    authorizations_[repository] = request.authorization;
  }
  return http_.send(request);
}

Result<HttpResponse> RegistrySession::get_elsewhere(const std::string& url, HttpRequest request) {
  const bool is_safe = url.starts_with("https://");
  const bool may_be_plain = config_.transport == Transport::http && url.starts_with("http://");
  if (!is_safe && !may_be_plain) {
    return fail(Error(ErrorCode::invalid_argument,
                      concat("the address ", in_quotes(url.substr(0, 300)), " does not begin with https://"))
                    .with_remedy("ask the image's maker for an https address of this layer"));
  }
  request.url = url;
  return http_.send(request);
}

std::string RegistrySession::authorization_for(const std::string& repository) {
  if (config_.auth.kind == RegistryAuth::Kind::bearer) return concat("Bearer ", config_.auth.token);
  const std::lock_guard guard(mutex_);
  const auto found = authorizations_.find(repository);
  return found == authorizations_.end() ? std::string() : found->second;
}

const Credentials& RegistrySession::credentials(const std::string& repository) {
  const std::lock_guard guard(mutex_);
  if (!found_) {
    switch (config_.auth.kind) {
      case RegistryAuth::Kind::basic:
        found_ = CredentialSearch{{.username = config_.auth.username, .password = config_.auth.password}, {}};
        break;
      case RegistryAuth::Kind::docker_config:
        found_ = find_credentials(credential_files_, config_.host, repository);
        break;
      default: found_ = CredentialSearch{};
    }
  }
  return found_->credentials;
}

Result<std::string> RegistrySession::authorize(const HttpResponse& response, const std::string& repository,
                                               const HttpRequest& request) {
  if (config_.auth.kind == RegistryAuth::Kind::bearer) return fail(refusal(response, repository));
  const auto challenges = parse_challenges(response.header("www-authenticate"));
  const auto& own = credentials(repository);
  if (!own.bearer_token.empty()) return concat("Bearer ", own.bearer_token);
  for (const auto& challenge : challenges) {
    if (challenge.scheme == "bearer") return fetch_token(challenge, repository, request);
  }
  for (const auto& challenge : challenges) {
    if (challenge.scheme != "basic" || own.username.empty()) continue;
    return concat("Basic ", encode_base64(concat(own.username, ":", own.password)));
  }
  return fail(refusal(response, repository));
}

Result<std::string> RegistrySession::fetch_token(const Challenge& challenge, const std::string& repository,
                                                 const HttpRequest& request) {
  const auto realm = challenge.parameters.find("realm");
  const bool is_secure = realm != challenge.parameters.end() && realm->second.starts_with("https://");
  const bool may_be_plain = request.url.starts_with("http://");
  if (!is_secure &&
      !(realm != challenge.parameters.end() && may_be_plain && realm->second.starts_with("http://"))) {
    return fail(ErrorCode::permission_denied,
                concat("registry ", in_quotes(config_.host), ": it names no safe token server to log in at"));
  }
  const auto prefix = config_.path_prefix.empty() ? std::string() : concat(config_.path_prefix, "/");
  const auto query = token_query(challenge, concat("repository:", prefix, repository, ":pull"));
  const auto& own = credentials(repository);
  HttpRequest ask{.url = realm->second,
                  .skip_verify = config_.skip_verify,
                  .ca_file = config_.ca_file,
                  .stop = request.stop};
  if (!own.identity_token.empty()) {
    ask.form =
        concat("grant_type=refresh_token&client_id=boxlite&refresh_token=", url_encode(own.identity_token),
               "&", query);
  } else {
    ask.url += concat(ask.url.find('?') == std::string::npos ? "?" : "&", query);
    if (!own.username.empty())
      ask.authorization = concat("Basic ", encode_base64(concat(own.username, ":", own.password)));
  }
  const auto what = concat("get a token for registry ", in_quotes(config_.host));
  for (int attempt = 0;; ++attempt) {
    auto response = http_.send(ask);
    if (response && response->is_success()) {
      const auto token = BOXLITE_TRY_CONTEXT(what, parse_token_answer(response->body));
      return concat("Bearer ", token);
    }
    const bool is_worth_it = response ? may_pass(response->status) : !is_final(response.error());
    if (!is_worth_it || attempt >= limits_.retries) {
      return fail((response ? refusal(*response, repository) : Error(response.error())).context(what));
    }
    const auto asked = response ? parse_retry_after(response->header("retry-after")) : std::nullopt;
    BOXLITE_TRY(pause_before_retry(limits_, attempt, asked, request.stop));
  }
}

Result<HttpResponse> RegistrySession::get_document(const std::string& repository, const std::string& rest,
                                                   const HttpRequest& request) {
  for (int attempt = 0;; ++attempt) {
    auto response = get(repository, rest, request);
    if (response && response->is_success()) return response;
    const bool is_worth_it = response ? may_pass(response->status) : !is_final(response.error());
    if (!is_worth_it || attempt >= limits_.retries) {
      if (!response) return response;
      return fail(refusal(*response, repository));
    }
    const auto asked = response ? parse_retry_after(response->header("retry-after")) : std::nullopt;
    BOXLITE_TRY(pause_before_retry(limits_, attempt, asked, request.stop));
  }
}

Error RegistrySession::refusal(const HttpResponse& response, const std::string& repository) const {
  const auto said = describe_errors(response.body);
  const auto what = concat("registry ", in_quotes(config_.host), ": HTTP status ", response.status,
                           said.empty() ? "" : " (", said, said.empty() ? "" : ")");
  std::string problem;
  bool has_credentials = config_.auth.kind == RegistryAuth::Kind::bearer;
  {
    const std::lock_guard guard(mutex_);
    if (found_ && !found_->problem.empty()) problem = concat("; ", found_->problem);
    if (found_ && !found_->credentials.is_empty()) has_credentials = true;
  }
  switch (response.status) {
    case 401:
    case 403: {
      const auto why = has_credentials ? "the credentials were refused, or may not read the repository "
                                       : "it asks for credentials, or there is no repository ";
      const auto login = config_.host == oci::default_registry ? std::string("docker login")
                                                               : concat("docker login ", config_.host);
      return Error(ErrorCode::permission_denied, concat(what, ": ", why, in_quotes(repository), problem))
          .with_remedy(concat("check the name, or run ", login, " (podman login works as well)"));
    }
    case 404:
      return Error(ErrorCode::not_found, concat(what, ": no such image"))
          .with_remedy("check the name and the tag");
    case 429:
      return Error(ErrorCode::unavailable, concat(what, ": too many requests"))
          .with_remedy("wait, or log in to get a higher limit");
    default: return Error(ErrorCode::unavailable, what);
  }
}

}  // namespace boxlite::image
