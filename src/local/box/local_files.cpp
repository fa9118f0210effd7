// SPDX-License-Identifier: Apache-2.0
#include "local/box/local_files.h"

#include "base/concat.h"
#include "box/call.h"
#include "box/exec/file_copies.h"
#include "local/box/local_box.h"

namespace boxlite::local {

template <typename Work>
auto LocalFiles::with_machine(std::string_view verb, const CallOptions& call, Work work)
    -> decltype(work(std::declval<agentlink::Connection&>())) {
  const auto what = [&] { return concat(verb, " box ", box_->id()); };
  const auto connection = BOXLITE_TRY_CONTEXT(what(), box_->connect_for_files(call));
  auto done = work(*connection);
  if (!done) return fail(std::move(done).error().context(what()));
  return done;
}

Result<CopyReport> LocalFiles::copy_in(const std::filesystem::path& source, std::string_view destination,
                                       const CopyOptions& options, const CallOptions& call) {
  return with_machine("copy to", call, [&](auto& machine) -> Result<CopyReport> {
    const auto distrusted = BOXLITE_TRY(box_->writable_folders());
    return box::copy_in(machine, source, destination, options, distrusted, call);
  });
}

Result<CopyReport> LocalFiles::copy_out(std::string_view source, const std::filesystem::path& destination,
                                        const CopyOptions& options, const CallOptions& call) {
  return with_machine("copy from", call, [&](auto& machine) -> Result<CopyReport> {
    const auto distrusted = BOXLITE_TRY(box_->writable_folders());
    return box::copy_out(machine, source, destination, options, distrusted, call);
  });
}

Result<CopyReport> LocalFiles::unpack(int archive_fd, std::string_view directory, const CopyOptions& options,
                                      const CallOptions& call) {
  return with_machine("copy to", call, [&](auto& machine) {
    return box::unpack(machine, archive_fd, directory, options, call);
  });
}

Result<CopyReport> LocalFiles::pack(std::string_view source, int archive_fd, const CopyOptions& options,
                                    const CallOptions& call) {
  return with_machine("copy from", call,
                      [&](auto& machine) { return box::pack(machine, source, archive_fd, options, call); });
}

Result<std::vector<std::byte>> LocalFiles::read(std::string_view path, const ReadRange& range,
                                                const CallOptions& call) {
  return with_machine("read a file of", call, [&](auto& machine) {
    return box::read_file(machine, path, range, box::deadline_of(call));
  });
}

Result<FileInfo> LocalFiles::read_to(std::string_view path, int fd, const ReadRange& range,
                                     const CallOptions& call) {
  return with_machine("read a file of", call, [&](auto& machine) {
    return box::read_file_to(machine, path, fd, range, box::deadline_of(call));
  });
}

Result<FileInfo> LocalFiles::write(std::string_view path, std::span<const std::byte> bytes,
                                   const WriteOptions& options, const CallOptions& call) {
  return with_machine("write a file of", call, [&](auto& machine) {
    return box::write_file(machine, path, bytes, options, box::deadline_of(call));
  });
}

Result<FileInfo> LocalFiles::write_from(std::string_view path, int fd, const WriteOptions& options,
                                        const CallOptions& call) {
  return with_machine("write a file of", call, [&](auto& machine) {
    return box::write_file_from(machine, path, fd, options, box::deadline_of(call));
  });
}

Result<std::vector<FileInfo>> LocalFiles::list(std::string_view path) {
  return with_machine("list files of", {}, [&](auto& machine) { return box::list_files(machine, path); });
}

Result<FileInfo> LocalFiles::stat(std::string_view path, const StatOptions& options) {
  return with_machine("look at a file of", {},
                      [&](auto& machine) { return box::stat_file(machine, path, options); });
}

Result<void> LocalFiles::make_directory(std::string_view path, const MakeDirectoryOptions& options) {
  return with_machine("make a directory in", {},
                      [&](auto& machine) { return box::make_directory(machine, path, options); });
}

Result<void> LocalFiles::remove(std::string_view path, const RemoveFileOptions& options) {
  return with_machine("remove a file of", {},
                      [&](auto& machine) { return box::remove_file(machine, path, options); });
}

Result<void> LocalFiles::rename(std::string_view from, std::string_view to, const RenameOptions& options) {
  return with_machine("rename a file of", {},
                      [&](auto& machine) { return box::rename_file(machine, from, to, options); });
}

Result<std::shared_ptr<backend::FileWatch>> LocalFiles::watch(std::string_view path,
                                                              const WatchOptions& options) {
  auto stream = BOXLITE_TRY(with_machine(
      "watch files of", {}, [&](auto& machine) { return box::watch_files(machine, path, options); }));
  return std::make_shared<LocalFileWatch>(std::move(stream), box_);
}

Result<std::vector<FileEvent>> LocalFileWatch::next(const CallOptions& call) {
  return box::next_events(stream_, box::deadline_of(call));
}

}  // namespace boxlite::local
