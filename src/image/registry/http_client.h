// SPDX-License-Identifier: Apache-2.0
// HTTP over libcurl: blocking requests, redirects under our rules, the environment's proxies as curl reads
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::image {

struct HttpLimits {
  std::chrono::milliseconds connect_timeout{15'000};
  // Give up when less than 1 byte a second arrives for this long.
  std::chrono::seconds stall_timeout{30};
};

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower-case; repeated ones joined by ", "

  std::string header(const std::string& name) const;
  bool is_success() const { return status >= 200 && status < 300; }
};

struct HttpResponse : HttpHead {
  std::string body;  // empty when on_body took it
};

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers = {};
  // Value of the Authorization header. A redirect to another scheme, host or port goes there without it.
  std::string authorization = {};
  // Not empty: sent as a form with POST, and redirects are not followed.
  std::string form = {};
  bool skip_verify = false;
  std::string ca_file = {};
  std::size_t max_body = 4u << 20;
  std::stop_token stop = {};
  // Called once for a successful response, before its body.
  std::function<Result<void>(const HttpHead&)> on_head = {};
  // Takes the body of a successful response; its error ends the request and is returned.
  std::function<Result<void>(std::string_view)> on_body = {};
};

// Thread-safe; connections are kept for the next request.
class HttpClient {
 public:
  explicit HttpClient(HttpLimits limits);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  // Any status is a success here. unavailable or timed_out when no whole response came (os_error() is set
  // when nobody could be reached at all), permission_denied for a bad certificate, cancelled on a stop
  // request.
  Result<HttpResponse> send(const HttpRequest& request);

 private:
  class Pool;
  HttpLimits limits_;
  std::unique_ptr<Pool> pool_;
};

// Whether a host name without a port means this machine.
bool is_loopback(std::string_view host);

// For the query of a URL and for forms.
std::string url_encode(std::string_view text);

}  // namespace boxlite::image
