// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <ctime>

#include <locale.h>

#include "base/ids.h"
#include "image/registry/registry_session.h"

namespace boxlite::image {
namespace {

// Between 50 and 100 % of the pause, so that clients that failed together do not come back together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
  const auto byte = static_cast<unsigned char>(random_bytes(1).front());
  return pause / 2 + pause * byte / 510;
}

// RFC 9110, section 5.6.7, in the form that senders must use. Names of days and months are English whatever
// the program's locale is.
std::optional<std::time_t> parse_http_date(const std::string& text) {
  const locale_t english = ::newlocale(LC_ALL_MASK, "C", nullptr);
  if (english == nullptr) return std::nullopt;
  std::tm date = {};
  const char* const end = ::strptime_l(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date, english);
  ::freelocale(english);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&date);
}

}  // namespace

Result<void> pause_before_retry(const RetryLimits& limits, int attempt,
                                std::optional<std::chrono::seconds> asked, const std::stop_token& stop) {
  auto pause = with_jitter(limits.first_pause * (1 << std::min(attempt, 10)));
  if (asked) pause = std::max(pause, std::chrono::milliseconds(*asked));
  pause = std::min(pause, std::chrono::milliseconds(limits.longest_pause));
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, pause, [] { return false; });
  if (stop.stop_requested()) return fail(ErrorCode::cancelled, "the download was cancelled");
  return {};
}

std::optional<std::chrono::seconds> parse_retry_after(const std::string& value) {
  if (value.empty()) return std::nullopt;
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc{} && end == value.data() + value.size()) return std::chrono::seconds(seconds);
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  const auto left = std::chrono::system_clock::from_time_t(*date) - std::chrono::system_clock::now();
  return std::max(std::chrono::duration_cast<std::chrono::seconds>(left), std::chrono::seconds(0));
}

}  // namespace boxlite::image
