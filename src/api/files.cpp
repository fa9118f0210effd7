// SPDX-License-Identifier: Apache-2.0
#include "backend/files.h"

#include <utility>

#include "api/wrap.h"

namespace boxlite {

FileWatch::FileWatch(std::shared_ptr<backend::FileWatch> backend) : backend_(std::move(backend)) {}

Result<std::vector<FileEvent>> FileWatch::next(const CallOptions& call) {
  return backend_->next(call);
}

Files::Files(std::shared_ptr<backend::Files> backend) : backend_(std::move(backend)) {}

Result<CopyReport> Files::copy_in(const std::filesystem::path& source, std::string_view destination,
                                  const CopyOptions& options, const CallOptions& call) {
  return backend_->copy_in(source, destination, options, call);
}

Result<CopyReport> Files::copy_out(std::string_view source, const std::filesystem::path& destination,
                                   const CopyOptions& options, const CallOptions& call) {
  return backend_->copy_out(source, destination, options, call);
}

Result<CopyReport> Files::unpack(int archive_fd, std::string_view directory, const CopyOptions& options,
                                 const CallOptions& call) {
  return backend_->unpack(archive_fd, directory, options, call);
}

Result<CopyReport> Files::pack(std::string_view source, int archive_fd, const CopyOptions& options,
                               const CallOptions& call) {
  return backend_->pack(source, archive_fd, options, call);
}

Result<std::vector<std::byte>> Files::read(std::string_view path, const ReadRange& range,
                                           const CallOptions& call) {
  return backend_->read(path, range, call);
}

Result<FileInfo> Files::read_to(std::string_view path, int fd, const ReadRange& range,
                                const CallOptions& call) {
  return backend_->read_to(path, fd, range, call);
}

Result<FileInfo> Files::write(std::string_view path, std::span<const std::byte> bytes,
                              const WriteOptions& options, const CallOptions& call) {
  return backend_->write(path, bytes, options, call);
}

Result<FileInfo> Files::write_from(std::string_view path, int fd, const WriteOptions& options,
                                   const CallOptions& call) {
  return backend_->write_from(path, fd, options, call);
}

Result<std::vector<FileInfo>> Files::list(std::string_view path) {
  return backend_->list(path);
}

Result<FileInfo> Files::stat(std::string_view path, const StatOptions& options) {
  return backend_->stat(path, options);
}

Result<void> Files::make_directory(std::string_view path, const MakeDirectoryOptions& options) {
  return backend_->make_directory(path, options);
}

Result<void> Files::remove(std::string_view path, const RemoveFileOptions& options) {
  return backend_->remove(path, options);
}

Result<void> Files::rename(std::string_view from, std::string_view to, const RenameOptions& options) {
  return backend_->rename(from, to, options);
}

Result<FileWatch> Files::watch(std::string_view path, const WatchOptions& options) {
  return wrap<FileWatch>(backend_->watch(path, options));
}

}  // namespace boxlite
