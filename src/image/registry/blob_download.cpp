// SPDX-License-Identifier: Apache-2.0
#include "image/registry/blob_download.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <thread>

#include "base/caught_exception.h"
#include "base/concat.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

constexpr auto progress_interval = std::chrono::milliseconds(100);

// The first number of "bytes 100-199/200".
std::optional<std::uint64_t> range_start(const std::string& content_range) {
  constexpr std::string_view unit = "bytes ";
  if (!content_range.starts_with(unit)) return std::nullopt;
  std::uint64_t start = 0;
  const auto* begin = content_range.data() + unit.size();
  const auto [end, error] = std::from_chars(begin, content_range.data() + content_range.size(), start);
  if (error != std::errc{} || *end != '-') return std::nullopt;
  return start;
}

// What may go better next time: a lost connection, a busy server. Local trouble and refusals do not.
bool may_pass(const Error& error) {
  return error.code() == ErrorCode::unavailable || error.code() == ErrorCode::timed_out;
}

}  // namespace

// A foreign layer is where its manifest says, and perhaps in the registry as well.
Result<HttpResponse> BlobDownload::ask(const oci::Descriptor& blob, const HttpRequest& request) const {
  std::optional<Error> elsewhere;
  if (oci::media_type::is_foreign(blob.media_type)) {
    for (const auto& url : blob.urls) {
      auto response = session_.get_elsewhere(url, request);
      if (response && (response->is_success() || response->status == 416)) return response;
      if (!response && response.error().code() == ErrorCode::cancelled) return response;
      elsewhere = response ? Error(ErrorCode::unavailable,
                                   concat(url.substr(0, url.find('?')), ": status ", response->status))
                           : response.error();
    }
  }
  auto response = session_.get(repository_, concat("blobs/", blob.digest.str()), request);
  if (elsewhere && response && response->status == 404)
    return fail(std::move(*elsewhere).context("the registry does not have this foreign layer"));
  return response;
}

// One request for what is missing.
Result<void> BlobDownload::fetch_rest(const oci::Descriptor& blob, BlobWriter& writer,
                                      const std::stop_token& stop) const {
  HttpRequest request{.url = {}, .stop = stop};
  if (writer.offset() > 0) request.headers.push_back(concat("Range: bytes=", writer.offset(), "-"));
  auto last_report = std::chrono::steady_clock::now() - progress_interval;
  request.on_head = [&](const HttpHead& head) -> Result<void> {
    if (head.status != 206) return writer.offset() > 0 ? writer.restart() : Result<void>{};
    if (range_start(head.header("content-range")) == writer.offset()) return {};
    return fail(ErrorCode::unavailable, "the registry sent another range than asked for");
  };
  request.on_body = [&](std::string_view bytes) -> Result<void> {
    BOXLITE_TRY(writer.append(bytes));
    const auto time = std::chrono::steady_clock::now();
    if (progress_ && time - last_report >= progress_interval && writer.offset() < blob.size) {
      last_report = time;
      progress_({blob.digest.str(), writer.offset(), blob.size, false});
    }
    return {};
  };
  const auto response = BOXLITE_TRY(ask(blob, request));
  if (response.status == 416) return writer.restart();
  if (!response.is_success()) {
    const auto asked = parse_retry_after(response.header("retry-after"));
    // A limit of requests asks for its pause here, where the answer is still at hand.
    if (asked && (response.status == 429 || response.status == 503)) {
      BOXLITE_TRY(pause_before_retry(session_.limits(), 0, asked, stop));
    }
    return fail(session_.refusal(response, repository_));
  }
  if (writer.offset() < blob.size)
    return fail(ErrorCode::unavailable,
                concat("the connection ended after ", writer.offset(), " of ", blob.size, " bytes"));
  return {};
}

Result<void> BlobDownload::fetch(const oci::Descriptor& blob, const std::stop_token& stop) const {
  const auto what = concat("download blob ", blob.digest.str());
  auto writer = BOXLITE_TRY_CONTEXT(what, store_.fetch(blob.digest, blob.size, stop));
  if (!writer) {
    if (progress_) progress_({blob.digest.str(), blob.size, blob.size, true});
    return {};
  }
  bool is_continued = writer->offset() > 0;
  for (int attempt = 0;;) {
    const auto before = writer->offset();
    auto fetched =
        writer->offset() < blob.size || blob.size == 0 ? fetch_rest(blob, *writer, stop) : Result<void>{};
    if (fetched && writer->offset() == blob.size) {
      const auto done = writer->commit();
      if (done) break;
      // Bytes that a killed process or a dead machine left may be wrong; fresh ones are the registry's fault.
      if (done.error().code() != ErrorCode::corrupted || !std::exchange(is_continued, false)) {
        return fail(
            Error(done.error())
                .context(what)
                .with_remedy(
                    "the registry or a proxy serves damaged bytes: pull again, or push the image again"));
      }
      continue;
    }
    if (!fetched && (!may_pass(fetched.error()) || attempt >= session_.limits().retries)) {
      return fail(std::move(fetched).error().context(what));
    }
    is_continued = is_continued || writer->offset() > 0;
    // Progress earns a fresh set of tries: a long layer over a bad line gets through.
    attempt = writer->offset() > before + (1u << 20) ? 0 : attempt + 1;
    if (attempt > session_.limits().retries)
      return fail(ErrorCode::unavailable, concat(what, ": no progress"));
    BOXLITE_TRY(pause_before_retry(session_.limits(), std::max(attempt - 1, 0), {}, stop));
  }
  if (progress_) progress_({blob.digest.str(), blob.size, blob.size, false});
  return {};
}

Result<void> BlobDownload::fetch_all(const std::vector<oci::Descriptor>& blobs, int parallel,
                                     const std::stop_token& stop) const {
  std::stop_source halt;
  const std::stop_callback forward(stop, [&] { halt.request_stop(); });
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failure;
  // The caller's progress callback may throw, on a thread that is not the caller's.
  const auto fetch_one = [&](const oci::Descriptor& blob) -> Result<void> {
    try {
      return fetch(blob, halt.get_token());
    } catch (...) {
      return fail(caught_exception("download"));
    }
  };
  const auto work = [&] {
    for (std::size_t i = next++; i < blobs.size() && !halt.stop_requested(); i = next++) {
      auto fetched = fetch_one(blobs[i]);
      if (fetched) continue;
      const std::lock_guard guard(mutex);
      if (!failure) failure = std::move(fetched).error();
      halt.request_stop();
    }
  };
  {
    std::vector<std::jthread> workers;
    const auto count = std::min(blobs.size(), static_cast<std::size_t>(std::max(parallel, 1)));
    for (std::size_t i = 1; i < count; ++i) workers.emplace_back(work);
    work();
  }
  if (failure) return fail(*std::move(failure));
  if (stop.stop_requested()) return fail(ErrorCode::cancelled, "the download was cancelled");
  return {};
}

}  // namespace boxlite::image
