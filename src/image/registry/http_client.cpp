// SPDX-License-Identifier: Apache-2.0
#include "image/registry/http_client.h"

#include <cerrno>
#include <mutex>
#include <optional>

#include "base/concat.h"
#include "image/registry/curl.h"

namespace boxlite::image {
namespace {

constexpr int max_redirects = 8;
constexpr std::size_t max_header_bytes = 256 * 1024;
constexpr std::size_t max_error_body = 64 * 1024;
// How long a request that waits does not look whether it is to stop.
constexpr int stop_look_ms = 50;

using Handle = std::unique_ptr<CURL, decltype(curl_easy_cleanup)*>;
using MultiHandle = std::unique_ptr<CURLM, decltype(curl_multi_cleanup)*>;
using HeaderList = std::unique_ptr<curl_slist, decltype(curl_slist_free_all)*>;

std::string part(const Curl& curl, CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl.url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string result(text);
  curl.free(text);
  return result;
}

struct Origin {
  std::string scheme;
  std::string host;
  std::string port;
  friend bool operator==(const Origin&, const Origin&) = default;
};

Origin origin_of(const Curl& curl, const std::string& text) {
  const std::unique_ptr<CURLU, decltype(curl_url_cleanup)*> url(curl.url(), curl.url_cleanup);
  if (!url || curl.url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return {};
  return {part(curl, url.get(), CURLUPART_SCHEME), part(curl, url.get(), CURLUPART_HOST),
          part(curl, url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
}

// What goes into messages: a query may hold a signature.
std::string without_query(const std::string& url) {
  return url.substr(0, url.find('?'));
}

// What one request at a time uses. The multi handle keeps the connections; with it a request that waits can
// be stopped at once.
struct Line {
  MultiHandle multi;
  Handle easy;
};

// One request on one line, and what its callbacks collect.
class Exchange {
 public:
  Exchange(const Curl& curl, const Line& line, const HttpRequest& request, const HttpLimits& limits)
      : curl_(curl), multi_(line.multi.get()), handle_(line.easy.get()), request_(request), limits_(limits) {}

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  // The handle outlives us and must not point here any more.
  ~Exchange() { curl_.easy_reset(handle_); }

  Result<HttpResponse> run(const std::string& url, bool with_authorization) {
    curl_.easy_reset(handle_);
    configure(url);
    const auto headers = header_list(with_authorization);
    set(CURLOPT_HTTPHEADER, headers.get());
    const CURLcode code = perform();
    if (failure_) return fail(*std::move(failure_));
    if (code != CURLE_OK) return transport_error(code, url);
    if (auto begun = begin_body(); !begun) return fail(std::move(begun).error());
    return std::move(response_);
  }

  std::string redirect_target() const {
    char* target = nullptr;
    curl_.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &target);
    return target ? target : "";
  }

 private:
  CURLcode perform() {
    curl_.multi_add_handle(multi_, handle_);
    auto code = CURLE_OK;
    for (int running = 1; code == CURLE_OK;) {
      if (curl_.multi_perform(multi_, &running) != CURLM_OK) code = CURLE_OUT_OF_MEMORY;
      if (running == 0) break;
      if (request_.stop.stop_requested()) code = CURLE_ABORTED_BY_CALLBACK;
      if (code == CURLE_OK) curl_.multi_poll(multi_, nullptr, 0, stop_look_ms, nullptr);
    }
    int left = 0;
    const auto* const told = curl_.multi_info_read(multi_, &left);
    if (code == CURLE_OK && told != nullptr) code = told->data.result;
    curl_.multi_remove_handle(multi_, handle_);
    return code;
  }

  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_.easy_setopt(handle_, option, value);
  }

  void configure(const std::string& url) {
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);  // a library may not touch the embedding program's signals
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    // A proxy cannot reach this machine's loopback; curl, unlike others, would ask it without a no_proxy
    // entry.
    if (is_loopback(origin_of(curl_, url).host)) set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits_.stall_timeout.count()));
    set(CURLOPT_BUFFERSIZE, 256L * 1024L);
    set(CURLOPT_USERAGENT, "boxlite/" BOXLITE_VERSION);
    set(CURLOPT_ERRORBUFFER, error_text_);
    if (request_.skip_verify) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!request_.ca_file.empty()) set(CURLOPT_CAINFO, request_.ca_file.c_str());
    if (!request_.form.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.form.size()));
      set(CURLOPT_POSTFIELDS, request_.form.c_str());
    }
    set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Exchange::on_write);
    set(CURLOPT_WRITEDATA, this);
  }

  HeaderList header_list(bool with_authorization) const {
    HeaderList list(nullptr, curl_.slist_free_all);
    const auto add = [&](const std::string& line) {
      if (auto* longer = curl_.slist_append(list.get(), line.c_str())) {
        (void)list.release();
        list.reset(longer);
      }
    };
    for (const auto& line : request_.headers) add(line);
    if (with_authorization) add(concat("Authorization: ", request_.authorization));
    return list;
  }

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self) {
    return static_cast<Exchange*>(self)->take_header(std::string_view(bytes, size)) ? size : 0;
  }
  static std::size_t on_write(char* bytes, std::size_t, std::size_t size, void* self) {
    return static_cast<Exchange*>(self)->take_body(std::string_view(bytes, size)) ? size : 0;
  }

  bool take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > max_header_bytes) {
      failure_ = Error(ErrorCode::corrupted, "the server sent too many headers");
      return false;
    }
    if (line.starts_with("HTTP/")) response_.headers.clear();  // an interim response came before
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    std::string name(line.substr(0, colon));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    auto value = line.substr(colon + 1);
    while (!value.empty() && std::string_view(" \t\r\n").find(value.back()) != std::string_view::npos)
      value.remove_suffix(1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    auto& slot = response_.headers[name];
    if (!slot.empty()) slot += ", ";
    slot += value;
    return true;
  }

  Result<void> begin_body() {
    if (std::exchange(has_begun_, true)) return {};
    long status = 0;
    curl_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    if (response_.is_success() && request_.on_head) return request_.on_head(response_);
    return {};
  }

  bool take_body(std::string_view bytes) {
    auto taken = begin_body();
    if (taken && response_.is_success() && request_.on_body) {
      taken = request_.on_body(bytes);
    } else if (taken) {
      taken = collect(bytes);
    }
    if (!taken) failure_ = std::move(taken).error();
    return !failure_;
  }

  Result<void> collect(std::string_view bytes) {
    auto& body = response_.body;
    if (!response_.is_success()) {
      body += bytes.substr(0, max_error_body - std::min(max_error_body, body.size()));
      return {};
    }
    if (body.size() + bytes.size() > request_.max_body) {
      return fail(ErrorCode::corrupted,
                  concat("the server sent more than the limit of ", request_.max_body, " bytes"));
    }
    body += bytes;
    return {};
  }

  std::unexpected<Error> transport_error(CURLcode code, const std::string& url) const {
    const auto what = concat("request ", in_quotes(without_query(url)), ": ",
                             error_text_[0] ? error_text_ : curl_.easy_strerror(code));
    long os_error = 0;
    curl_.easy_getinfo(handle_, CURLINFO_OS_ERRNO, &os_error);
    switch (code) {
      case CURLE_ABORTED_BY_CALLBACK: return fail(ErrorCode::cancelled, "the download was cancelled");
      case CURLE_OPERATION_TIMEDOUT: return fail(ErrorCode::timed_out, what);
      case CURLE_COULDNT_CONNECT:
        return fail(
            Error(ErrorCode::unavailable, what, os_error != 0 ? static_cast<int>(os_error) : ECONNREFUSED));
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY:
        return fail(
            Error(ErrorCode::unavailable, what, EHOSTUNREACH)
                .with_remedy("check the name, the network and the proxy variables (https_proxy, no_proxy)"));
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        return fail(
            Error(ErrorCode::permission_denied, what)
                .with_remedy(
                    "give the registry's authority as ca_file, or set skip_verify for a test registry"));
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL: return fail(ErrorCode::invalid_argument, what);
      default: return fail(ErrorCode::unavailable, what);
    }
  }

  const Curl& curl_;
  CURLM* multi_;
  CURL* handle_;
  const HttpRequest& request_;
  const HttpLimits& limits_;
  HttpResponse response_;
  std::optional<Error> failure_;
  std::size_t header_bytes_ = 0;
  bool has_begun_ = false;
  char error_text_[CURL_ERROR_SIZE] = {};
};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

class HttpClient::Pool {
 public:
  // libcurl, from the first request on.
  Result<const Curl*> curl() {
    const std::lock_guard guard(mutex_);
    if (!curl_) curl_ = BOXLITE_TRY(Curl::load());
    return &*curl_;
  }

  Line take(const Curl& curl) {
    const std::lock_guard guard(mutex_);
    if (idle_.empty())
      return {.multi = MultiHandle(curl.multi_init(), curl.multi_cleanup),
              .easy = Handle(curl.easy_init(), curl.easy_cleanup)};
    auto line = std::move(idle_.back());
    idle_.pop_back();
    return line;
  }
  void put_back(Line line) {
    const std::lock_guard guard(mutex_);
    idle_.push_back(std::move(line));
  }

 private:
  std::mutex mutex_;
  std::optional<Curl> curl_;
  std::vector<Line> idle_;
};

std::string HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpClient::HttpClient(HttpLimits limits) : limits_(limits), pool_(std::make_unique<Pool>()) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  const Curl& curl = *BOXLITE_TRY(pool_->curl());
  auto line = pool_->take(curl);
  if (!line.easy || !line.multi)
    return fail(ErrorCode::resource_exhausted, "make an HTTP request: no memory");
  const auto first_origin = origin_of(curl, request.url);
  std::string url = request.url;
  for (int hop = 0; hop <= max_redirects; ++hop) {
    const bool is_first_origin = origin_of(curl, url) == first_origin;
    Exchange exchange(curl, line, request, limits_);
    auto response = exchange.run(url, is_first_origin && !request.authorization.empty());
    const auto target = exchange.redirect_target();
    if (!response || !is_redirect(response->status) || target.empty() || !request.form.empty()) {
      pool_->put_back(std::move(line));
      return response;
    }
    if (origin_of(curl, url).scheme == "https" && origin_of(curl, target).scheme != "https") {
      return fail(ErrorCode::permission_denied,
                  concat("request ", in_quotes(without_query(url)), ": the server redirects from https to ",
                         in_quotes(without_query(target))));
    }
    url = target;
  }
  return fail(ErrorCode::unavailable,
              concat("request ", in_quotes(without_query(request.url)), ": too many redirects"));
}

bool is_loopback(std::string_view host) {
  const bool is_ipv4 = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (is_ipv4 && host.starts_with("127."));
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

}  // namespace boxlite::image
