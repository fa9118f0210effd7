// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/files.h"
#include "box/exec/file_calls.h"

namespace boxlite::local {

class LocalBox;

// The files of a box on this host. Thread-safe.
class LocalFiles final : public backend::Files {
 public:
  explicit LocalFiles(std::shared_ptr<LocalBox> box) : box_(std::move(box)) {}

  Result<CopyReport> copy_in(const std::filesystem::path& source, std::string_view destination,
                             const CopyOptions& options, const CallOptions& call) override;
  Result<CopyReport> copy_out(std::string_view source, const std::filesystem::path& destination,
                              const CopyOptions& options, const CallOptions& call) override;
  Result<CopyReport> unpack(int archive_fd, std::string_view directory, const CopyOptions& options,
                            const CallOptions& call) override;
  Result<CopyReport> pack(std::string_view source, int archive_fd, const CopyOptions& options,
                          const CallOptions& call) override;
  Result<std::vector<std::byte>> read(std::string_view path, const ReadRange& range,
                                      const CallOptions& call) override;
  Result<FileInfo> read_to(std::string_view path, int fd, const ReadRange& range,
                           const CallOptions& call) override;
  Result<FileInfo> write(std::string_view path, std::span<const std::byte> bytes, const WriteOptions& options,
                         const CallOptions& call) override;
  Result<FileInfo> write_from(std::string_view path, int fd, const WriteOptions& options,
                              const CallOptions& call) override;
  Result<std::vector<FileInfo>> list(std::string_view path) override;
  Result<FileInfo> stat(std::string_view path, const StatOptions& options) override;
  Result<void> make_directory(std::string_view path, const MakeDirectoryOptions& options) override;
  Result<void> remove(std::string_view path, const RemoveFileOptions& options) override;
  Result<void> rename(std::string_view from, std::string_view to, const RenameOptions& options) override;
  Result<std::shared_ptr<backend::FileWatch>> watch(std::string_view path,
                                                    const WatchOptions& options) override;

 private:
  // Runs `work` with a connection to the machine, which is up for that time.
  template <typename Work>
  auto with_machine(std::string_view verb, const CallOptions& call, Work work)
      -> decltype(work(std::declval<agentlink::Connection&>()));

  const std::shared_ptr<LocalBox> box_;
};

// Keeps the box, and so its Runtime, for as long as somebody watches. Thread-safe.
class LocalFileWatch final : public backend::FileWatch {
 public:
  LocalFileWatch(box::WatchStream stream, std::shared_ptr<LocalBox> box)
      : box_(std::move(box)), stream_(std::move(stream)) {}
  Result<std::vector<FileEvent>> next(const CallOptions& call) override;

 private:
  const std::shared_ptr<LocalBox> box_;
  box::WatchStream stream_;
};

}  // namespace boxlite::local
