// SPDX-License-Identifier: Apache-2.0
#include "disk/decompressor.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/concat.h"

namespace boxlite::disk {
namespace {

constexpr std::size_t input_capacity = 256 * 1024;

// Reads a file from its start, whatever the descriptor's position is.
class BlobReader {
 public:
  explicit BlobReader(int blob_fd) : blob_fd_(blob_fd) {}

  Result<std::size_t> read(char* out, std::size_t capacity) {
    for (;;) {
      const ssize_t got = ::pread(blob_fd_, out, capacity, static_cast<off_t>(position_));
      if (got >= 0) {
        position_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return fail(syscall_error("read", "layer", errno));
    }
  }
  std::uint64_t position() const { return position_; }

 private:
  int blob_fd_;
  std::uint64_t position_ = 0;
};

class Plain final : public Decompressor {
 public:
  explicit Plain(int blob_fd) : blob_(blob_fd) {}
  Result<std::size_t> read(char* out, std::size_t capacity) override { return blob_.read(out, capacity); }
  std::uint64_t consumed_bytes() const override { return blob_.position(); }

 private:
  BlobReader blob_;
};

class Gzip final : public Decompressor {
 public:
  explicit Gzip(int blob_fd) : blob_(blob_fd), input_(input_capacity) {
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  Result<std::size_t> read(char* out, std::size_t capacity) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(capacity);
    while (stream_.avail_out > 0 && !at_end_) {
      if (stream_.avail_in == 0) BOXLITE_TRY(refill());
      if (stream_.avail_in == 0) {
        if (inside_member_) return fail(ErrorCode::corrupted, "decompress gzip: the file ends too early");
        at_end_ = true;
        break;
      }
      if (!inside_member_) {
        if (!start_member()) break;
        continue;
      }
      BOXLITE_TRY(inflate_some());
    }
    return capacity - stream_.avail_out;
  }
  std::uint64_t consumed_bytes() const override { return blob_.position() - stream_.avail_in; }

 private:
  Result<void> refill() {
    const std::size_t got = BOXLITE_TRY(blob_.read(input_.data(), input_.size()));
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(got);
    return {};
  }

  // Between members gzip files may be padded with zeros, as on tapes.
  bool start_member() {
    while (any_member_ && stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return true;
    if (any_member_) inflateReset(&stream_);
    any_member_ = inside_member_ = true;
    return true;
  }

  Result<void> inflate_some() {
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      inside_member_ = false;
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return fail(ErrorCode::corrupted,
                  concat("decompress gzip: ", stream_.msg != nullptr ? stream_.msg : "invalid stream"));
    }
    return {};
  }

  BlobReader blob_;
  std::vector<char> input_;
  z_stream stream_{};
  bool any_member_ = false;
  bool inside_member_ = false;
  bool at_end_ = false;
};

class Zstd final : public Decompressor {
 public:
  explicit Zstd(int blob_fd) : blob_(blob_fd), input_(input_capacity), stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  // The window is limited to zstd's default of 128 MiB, so that a frame cannot ask for more memory.
  Result<std::size_t> read(char* out, std::size_t capacity) override {
    ZSTD_outBuffer output{out, capacity, 0};
    while (output.pos < output.size) {
      if (taken_.pos == taken_.size && !ended_) {
        const std::size_t got = BOXLITE_TRY(blob_.read(input_.data(), input_.size()));
        taken_ = {input_.data(), got, 0};
        ended_ = got == 0;
      }
      const std::size_t before = output.pos;
      const std::size_t status = ZSTD_decompressStream(stream_, &output, &taken_);
      if (ZSTD_isError(status) != 0) {
        return fail(ErrorCode::corrupted, concat("decompress zstd: ", ZSTD_getErrorName(status)));
      }
      if (!ended_ || output.pos != before) {
        inside_frame_ = status != 0;
        continue;
      }
      if (inside_frame_) return fail(ErrorCode::corrupted, "decompress zstd: the file ends too early");
      break;
    }
    return output.pos;
  }
  std::uint64_t consumed_bytes() const override { return blob_.position() - (taken_.size - taken_.pos); }

 private:
  BlobReader blob_;
  std::vector<char> input_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer taken_{nullptr, 0, 0};
  bool ended_ = false;
  bool inside_frame_ = false;
};

}  // namespace

Result<std::unique_ptr<Decompressor>> Decompressor::open(int blob_fd) {
  std::array<char, 6> magic{};
  const std::size_t got = BOXLITE_TRY(BlobReader(blob_fd).read(magic.data(), magic.size()));
  const std::string_view start(magic.data(), got);
  if (start.starts_with("\x1f\x8b")) return std::make_unique<Gzip>(blob_fd);
  if (start.starts_with("\x28\xb5\x2f\xfd")) return std::make_unique<Zstd>(blob_fd);
  for (const auto& [prefix, format] : {std::pair<std::string_view, std::string_view>{"\xfd"
                                                                                     "7zXZ",
                                                                                     "xz"},
                                       {"BZh", "bzip2"}}) {
    if (start.starts_with(prefix)) {
      return fail(ErrorCode::unsupported, concat("read layer: it is compressed with ", format,
                                                 "; OCI layers are gzip, zstd or plain"));
    }
  }
  return std::make_unique<Plain>(blob_fd);
}

}  // namespace boxlite::disk
