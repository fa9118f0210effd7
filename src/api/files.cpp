// SPDX-License-Identifier: Apache-2.0
#include "backend/files.h"

#include <utility>

#include "api/wrap.h"

namespace boxlite {

FileWatch::FileWatch(std::shared_ptr<backend::FileWatch> backend) : backend_(std::move(backend)) {}

Result<std::vector<FileEvent>> FileWatch::next(std::chrono::milliseconds limit) {
  return backend_->next(limit);
}

Files::Files(std::shared_ptr<backend::Files> backend) : backend_(std::move(backend)) {}

Result<CopyReport> Files::copy_in(const std::filesystem::path& source, std::string_view destination,
                                  const CopyOptions& options) {
  return backend_->copy_in(source, destination, options);
}

Result<CopyReport> Files::copy_out(std::string_view source, const std::filesystem::path& destination,
                                   const CopyOptions& options) {
  return backend_->copy_out(source, destination, options);
}

Result<CopyReport> Files::unpack(int archive_fd, std::string_view directory, const CopyOptions& options) {
  return backend_->unpack(archive_fd, directory, options);
}

Result<CopyReport> Files::pack(std::string_view source, int archive_fd, const CopyOptions& options) {
  return backend_->pack(source, archive_fd, options);
}

Result<std::vector<std::byte>> Files::read(std::string_view path, const ReadRange& range) {
  return backend_->read(path, range);
}

Result<FileInfo> Files::read_to(std::string_view path, int fd, const ReadRange& range) {
  return backend_->read_to(path, fd, range);
}

Result<FileInfo> Files::write(std::string_view path, std::span<const std::byte> bytes,
                              const WriteOptions& options) {
  return backend_->write(path, bytes, options);
}

Result<FileInfo> Files::write_from(std::string_view path, int fd, const WriteOptions& options) {
  return backend_->write_from(path, fd, options);
}

Result<std::vector<FileInfo>> Files::list(std::string_view path) {
  return backend_->list(path);
}

Result<FileInfo> Files::stat(std::string_view path, bool follow_symlinks) {
  return backend_->stat(path, follow_symlinks);
}

Result<void> Files::make_directory(std::string_view path, bool parents, unsigned mode) {
  return backend_->make_directory(path, parents, mode);
}

Result<void> Files::remove(std::string_view path, bool recursive) {
  return backend_->remove(path, recursive);
}

Result<void> Files::rename(std::string_view from, std::string_view to, bool overwrite) {
  return backend_->rename(from, to, overwrite);
}

Result<FileWatch> Files::watch(std::string_view path, bool recursive) {
  return wrap<FileWatch>(backend_->watch(path, recursive));
}

}  // namespace boxlite
