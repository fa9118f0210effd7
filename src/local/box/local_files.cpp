// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_files.h"

#include "base/concat.h"
#include "box/exec/file_copies.h"
#include "local/box/local_box.h"

namespace boxlite::local {

template <typename Work>
auto LocalFiles::with_machine(std::string_view verb, Work work)
    -> decltype(work(std::declval<agentlink::Connection&>())) {
  const auto what = [&] { return concat(verb, " box ", box_->id()); };
  const auto connection = BOXLITE_TRY_CONTEXT(what(), box_->connect_for_files());
  auto done = work(*connection);
  if (!done) return fail(std::move(done).error().context(what()));
  return done;
}

Result<CopyReport> LocalFiles::copy_in(const std::filesystem::path& source, std::string_view destination,
                                       const CopyOptions& options) {
  return with_machine("copy to", [&](auto& machine) -> Result<CopyReport> {
    const auto distrusted = BOXLITE_TRY(box_->writable_folders());
    return box::copy_in(machine, source, destination, options, distrusted);
  });
}

Result<CopyReport> LocalFiles::copy_out(std::string_view source, const std::filesystem::path& destination,
                                        const CopyOptions& options) {
  return with_machine("copy from", [&](auto& machine) -> Result<CopyReport> {
    const auto distrusted = BOXLITE_TRY(box_->writable_folders());
    return box::copy_out(machine, source, destination, options, distrusted);
  });
}

Result<CopyReport> LocalFiles::unpack(int archive_fd, std::string_view directory,
                                      const CopyOptions& options) {
  return with_machine("copy to",
                      [&](auto& machine) { return box::unpack(machine, archive_fd, directory, options); });
}

Result<CopyReport> LocalFiles::pack(std::string_view source, int archive_fd, const CopyOptions& options) {
  return with_machine("copy from",
                      [&](auto& machine) { return box::pack(machine, source, archive_fd, options); });
}

Result<std::vector<std::byte>> LocalFiles::read(std::string_view path, const ReadRange& range) {
  return with_machine("read a file of", [&](auto& machine) { return box::read_file(machine, path, range); });
}

Result<FileInfo> LocalFiles::read_to(std::string_view path, int fd, const ReadRange& range) {
  return with_machine("read a file of",
                      [&](auto& machine) { return box::read_file_to(machine, path, fd, range); });
}

Result<FileInfo> LocalFiles::write(std::string_view path, std::span<const std::byte> bytes,
                                   const WriteOptions& options) {
  return with_machine("write a file of",
                      [&](auto& machine) { return box::write_file(machine, path, bytes, options); });
}

Result<FileInfo> LocalFiles::write_from(std::string_view path, int fd, const WriteOptions& options) {
  return with_machine("write a file of",
                      [&](auto& machine) { return box::write_file_from(machine, path, fd, options); });
}

Result<std::vector<FileInfo>> LocalFiles::list(std::string_view path) {
  return with_machine("list files of", [&](auto& machine) { return box::list_files(machine, path); });
}

Result<FileInfo> LocalFiles::stat(std::string_view path, bool follow_symlinks) {
  return with_machine("look at a file of",
                      [&](auto& machine) { return box::stat_file(machine, path, follow_symlinks); });
}

Result<void> LocalFiles::make_directory(std::string_view path, bool parents, unsigned mode) {
  return with_machine("make a directory in",
                      [&](auto& machine) { return box::make_directory(machine, path, parents, mode); });
}

Result<void> LocalFiles::remove(std::string_view path, bool recursive) {
  return with_machine("remove a file of",
                      [&](auto& machine) { return box::remove_file(machine, path, recursive); });
}

Result<void> LocalFiles::rename(std::string_view from, std::string_view to, bool overwrite) {
  return with_machine("rename a file of",
                      [&](auto& machine) { return box::rename_file(machine, from, to, overwrite); });
}

Result<std::shared_ptr<backend::FileWatch>> LocalFiles::watch(std::string_view path, bool recursive) {
  auto stream = BOXLITE_TRY(with_machine(
      "watch files of", [&](auto& machine) { return box::watch_files(machine, path, recursive); }));
  return std::make_shared<LocalFileWatch>(std::move(stream), box_);
}

Result<std::vector<FileEvent>> LocalFileWatch::next(std::chrono::milliseconds limit) {
  return box::next_events(stream_, limit.count() == 0 ? Deadline::never() : Deadline::after(limit));
}

}  // namespace boxlite::local
