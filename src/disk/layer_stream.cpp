// SPDX-License-Identifier: Apache-2.0
// Decompression costs about as much as everything that follows it (hashing, parsing, writing), so the two run
// side by side: the pump fills chunks, the reader hands them back when it asks for the next one.
#include "disk/layer_stream.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <fcntl.h>

#include "base/caught_exception.h"
#include "base/concat.h"
#include "base/files.h"
#include "disk/decompressor.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{512} * 1024;
constexpr std::size_t chunks_ahead = 6;
constexpr std::uint64_t ratio_matters_from = std::uint64_t{1} << 30;

struct Chunk {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
};

}  // namespace

// The thread and the queue between it and the reader. Internally locked.
class LayerStream::Pump {
 public:
  Pump(UniqueFd blob, std::unique_ptr<Decompressor> decompressor)
      : blob_(std::move(blob)), decompressor_(std::move(decompressor)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Pump() { thread_.request_stop(); }

  // The chunk that was handed out before is given back for reuse.
  Result<std::string_view> next() {
    std::unique_lock lock(mutex_);
    if (current_.bytes) spare_.push_back(std::exchange(current_, {}));
    changed_.notify_all();
    changed_.wait(lock, [&] { return !ready_.empty() || finished_; });
    if (ready_.empty()) {
      if (problem_) return fail(*problem_);
      return std::string_view();
    }
    current_ = std::move(ready_.front());
    ready_.pop_front();
    return std::string_view(current_.bytes.get(), current_.size);
  }

  std::uint64_t consumed_bytes() const { return consumed_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop) {
    std::optional<Error> problem;
    try {
      auto outcome = pump(stop);
      if (!outcome) problem = std::move(outcome).error();
    } catch (...) {
      problem = caught_exception("decompress layer");
    }
    const std::lock_guard lock(mutex_);
    problem_ = std::move(problem);
    finished_ = true;
    changed_.notify_all();
  }

  Result<void> pump(const std::stop_token& stop) {
    while (true) {
      Chunk chunk = take_spare(stop);
      if (stop.stop_requested()) return {};
      chunk.size = BOXLITE_TRY(decompressor_->read(chunk.bytes.get(), chunk_bytes));
      consumed_.store(decompressor_->consumed_bytes(), std::memory_order_relaxed);
      if (chunk.size == 0) return {};
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(chunk));
      changed_.notify_all();
    }
  }

  Chunk take_spare(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return !spare_.empty() || ready_.size() < chunks_ahead; });
    if (spare_.empty()) return {std::make_unique_for_overwrite<char[]>(chunk_bytes), 0};
    Chunk chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }

  UniqueFd blob_;
  std::unique_ptr<Decompressor> decompressor_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Chunk> ready_;
  std::vector<Chunk> spare_;
  Chunk current_;
  bool finished_ = false;
  std::optional<Error> problem_;
  std::atomic<std::uint64_t> consumed_ = 0;
  std::jthread thread_;  // last: joined before what it uses goes
};

LayerStream::LayerStream(std::unique_ptr<Pump> pump, const LayerSource& source, const LayerLimits& limits)
    : pump_(std::move(pump)),
      hasher_(source.diff_id.algorithm()),
      diff_id_(source.diff_id),
      limits_(limits) {}

LayerStream::~LayerStream() = default;

Result<std::unique_ptr<LayerStream>> LayerStream::open(const LayerSource& source, const LayerLimits& limits) {
  UniqueFd blob = BOXLITE_TRY(open_file(source.blob, O_RDONLY));
  auto decompressor = BOXLITE_TRY(Decompressor::open(blob.get()));
  auto pump = std::make_unique<Pump>(std::move(blob), std::move(decompressor));
  return std::unique_ptr<LayerStream>(new LayerStream(std::move(pump), source, limits));
}

Result<std::string_view> LayerStream::next() {
  const std::string_view piece = BOXLITE_TRY(pump_->next());
  uncompressed_bytes_ += piece.size();
  if (uncompressed_bytes_ > limits_.uncompressed_bytes) {
    return fail(Error(ErrorCode::resource_exhausted,
                      concat("decompress layer: the layers unpack to more than the limit of ",
                             limits_.uncompressed_bytes, " bytes"))
                    .with_remedy("if the image is trusted, raise BOXLITE_MAX_LAYER_DECOMPRESSED_SIZE"));
  }
  if (uncompressed_bytes_ > ratio_matters_from &&
      uncompressed_bytes_ / limits_.compression_ratio > pump_->consumed_bytes()) {
    return fail(ErrorCode::resource_exhausted,
                concat("decompress layer: it unpacks to more than ", limits_.compression_ratio,
                       " times its size, the limit of the compression ratio"));
  }
  hasher_.update(piece);
  return piece;
}

Result<void> LayerStream::verify() {
  while (!BOXLITE_TRY(next()).empty()) {
  }
  const oci::Digest actual = hasher_.finish();
  if (actual == diff_id_) return {};
  return fail(ErrorCode::corrupted, concat("verify layer: its content has the digest ", actual.str(),
                                           ", but the image says ", diff_id_.str()));
}

std::uint64_t LayerStream::consumed_bytes() const {
  return pump_->consumed_bytes();
}
std::uint64_t LayerStream::uncompressed_bytes() const {
  return uncompressed_bytes_;
}

}  // namespace boxlite::disk
