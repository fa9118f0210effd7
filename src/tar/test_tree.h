// SPDX-License-Identifier: Apache-2.0
// A scratch tree for tests, and archives in memory.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/files.h"
#include "tar/byte_sink.h"
#include "tar/byte_stream.h"
#include "tar/packer.h"
#include "tar/place.h"
#include "tar/unpacker.h"

namespace boxlite::tar::testing {

class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::size_t piece = 700) : piece_(piece) {}
  Result<std::span<char>> room() override { return std::span(buffer_.data(), piece_); }
  Result<void> commit(std::size_t count) override {
    bytes.append(buffer_.data(), count);
    return {};
  }
  std::string bytes;

 private:
  std::size_t piece_;
  std::array<char, 4096> buffer_;
};

class StringStream final : public ByteStream {
 public:
  explicit StringStream(std::string bytes, std::size_t piece = 1000)
      : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::string_view> next() override {
    const auto part = std::string_view(bytes_).substr(at_, piece_);
    at_ += part.size();
    return part;
  }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

class Scratch {
 public:
  Scratch() : directory_(TempDir::create(::testing::TempDir(), "tar-test-")) {
    EXPECT_TRUE(directory_) << directory_.error().message();
  }
  std::filesystem::path path(std::string_view name = {}) const { return directory_->path() / name; }
  void write(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void directory(std::string_view name) const { std::filesystem::create_directories(path(name)); }
  struct stat status(std::string_view name) const {
    struct stat status = {};
    EXPECT_EQ(::lstat(path(name).c_str(), &status), 0) << name;
    return status;
  }

 private:
  Result<TempDir> directory_;
};

// What a copy sends for the path.
inline Result<std::string> pack(const std::string& path, const SourceOptions& options = {}) {
  const auto source = BOXLITE_TRY(find_source(path, options));
  StringSink sink;
  Packer packer(sink);
  BOXLITE_TRY(packer.add(source.directory.get(), source.name, source.archive_name));
  BOXLITE_TRY(packer.finish());
  return std::move(sink.bytes);
}

inline Result<UnpackReport> unpack_into(int directory_fd, const std::optional<std::string>& first_part,
                                        TarReader& reader, TarEntry first, const UnpackOptions& options) {
  Unpacker unpacker(directory_fd, options, first_part);
  BOXLITE_TRY(unpacker.unpack(reader, std::move(first)));
  return unpacker.report();
}

// What a copy does with an archive that arrives.
inline Result<UnpackReport> unpack_copy(const std::string& archive, const std::string& path,
                                        const UnpackOptions& options = {}) {
  StringStream stream(archive);
  TarReader reader(stream);
  auto first = BOXLITE_TRY(reader.next());
  const auto place = BOXLITE_TRY(find_destination(path, *first, std::nullopt));
  return unpack_into(place.directory.get(), place.first_part, reader, *std::move(first), options);
}

// An archive as it is, into a directory.
inline Result<UnpackReport> unpack_all(const std::string& archive, const std::string& directory,
                                       const UnpackOptions& options = {}) {
  StringStream stream(archive);
  TarReader reader(stream);
  auto first = BOXLITE_TRY(reader.next());
  const auto place = BOXLITE_TRY(find_directory(directory));
  return unpack_into(place.directory.get(), std::nullopt, reader, *std::move(first), options);
}

}  // namespace boxlite::tar::testing
