// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/files.hpp>

namespace boxlite::backend {

// What a boxlite::FileWatch does; see there.
class FileWatch {
 public:
  virtual ~FileWatch() = default;
  virtual Result<std::vector<FileEvent>> next(std::chrono::milliseconds limit) = 0;
};

// What a boxlite::Files does; see there.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<CopyReport> copy_in(const std::filesystem::path& source, std::string_view destination,
                                     const CopyOptions& options) = 0;
  virtual Result<CopyReport> copy_out(std::string_view source, const std::filesystem::path& destination,
                                      const CopyOptions& options) = 0;
  virtual Result<CopyReport> unpack(int archive_fd, std::string_view directory,
                                    const CopyOptions& options) = 0;
  virtual Result<CopyReport> pack(std::string_view source, int archive_fd, const CopyOptions& options) = 0;
  virtual Result<std::vector<std::byte>> read(std::string_view path, const ReadRange& range) = 0;
  virtual Result<FileInfo> read_to(std::string_view path, int fd, const ReadRange& range) = 0;
  virtual Result<FileInfo> write(std::string_view path, std::span<const std::byte> bytes,
                                 const WriteOptions& options) = 0;
  virtual Result<FileInfo> write_from(std::string_view path, int fd, const WriteOptions& options) = 0;
  virtual Result<std::vector<FileInfo>> list(std::string_view path) = 0;
  virtual Result<FileInfo> stat(std::string_view path, bool follow_symlinks) = 0;
  virtual Result<void> make_directory(std::string_view path, bool parents, unsigned mode) = 0;
  virtual Result<void> remove(std::string_view path, bool recursive) = 0;
  virtual Result<void> rename(std::string_view from, std::string_view to, bool overwrite) = 0;
  virtual Result<std::shared_ptr<FileWatch>> watch(std::string_view path, bool recursive) = 0;
};

}  // namespace boxlite::backend
