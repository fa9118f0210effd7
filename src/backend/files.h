// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/files.hpp>

namespace boxlite::backend {

// What a boxlite::FileWatch does; see there.
class FileWatch {
 public:
  virtual ~FileWatch() = default;
  virtual Result<std::vector<FileEvent>> next(const CallOptions& call) = 0;
};

// What a boxlite::Files does; see there.
class Files {
 public:
  virtual ~Files() = default;
  virtual Result<CopyReport> copy_in(const std::filesystem::path& source, std::string_view destination,
                                     const CopyOptions& options, const CallOptions& call) = 0;
  virtual Result<CopyReport> copy_out(std::string_view source, const std::filesystem::path& destination,
                                      const CopyOptions& options, const CallOptions& call) = 0;
  virtual Result<CopyReport> unpack(int archive_fd, std::string_view directory, const CopyOptions& options,
                                    const CallOptions& call) = 0;
  virtual Result<CopyReport> pack(std::string_view source, int archive_fd, const CopyOptions& options,
                                  const CallOptions& call) = 0;
  virtual Result<std::vector<std::byte>> read(std::string_view path, const ReadRange& range,
                                              const CallOptions& call) = 0;
  virtual Result<FileInfo> read_to(std::string_view path, int fd, const ReadRange& range,
                                   const CallOptions& call) = 0;
  virtual Result<FileInfo> write(std::string_view path, std::span<const std::byte> bytes,
                                 const WriteOptions& options, const CallOptions& call) = 0;
  virtual Result<FileInfo> write_from(std::string_view path, int fd, const WriteOptions& options,
                                      const CallOptions& call) = 0;
  virtual Result<std::vector<FileInfo>> list(std::string_view path) = 0;
  virtual Result<FileInfo> stat(std::string_view path, const StatOptions& options) = 0;
  virtual Result<void> make_directory(std::string_view path, const MakeDirectoryOptions& options) = 0;
  virtual Result<void> remove(std::string_view path, const RemoveFileOptions& options) = 0;
  virtual Result<void> rename(std::string_view from, std::string_view to, const RenameOptions& options) = 0;
  virtual Result<std::shared_ptr<FileWatch>> watch(std::string_view path, const WatchOptions& options) = 0;
};

}  // namespace boxlite::backend
