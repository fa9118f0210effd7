// SPDX-License-Identifier: Apache-2.0
#include "box/exec/file_calls.h"

#include <cstring>

#include <sys/stat.h>

#include "base/concat.h"
#include "box/exec/file_streams.h"
#include "wire/method.h"

namespace boxlite::box {
namespace {

constexpr std::size_t most_at_once = 64u << 20;
// A directory with more is not listed into memory.
constexpr std::size_t most_listed = 1'000'000;

FileKind kind_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return FileKind::directory;
    case S_IFLNK: return FileKind::symlink;
    case S_IFCHR: return FileKind::char_device;
    case S_IFBLK: return FileKind::block_device;
    case S_IFIFO: return FileKind::fifo;
    case S_IFSOCK: return FileKind::socket;
    default: return FileKind::file;
  }
}

FileInfo facts_of(const wire::msg::FileStat& file) {
  FileInfo facts;
  facts.name = file.name();
  facts.kind = kind_of(file.mode());
  facts.mode = file.mode() & 07777;
  facts.uid = file.uid();
  facts.gid = file.gid();
  facts.size = file.size();
  facts.modified =
      std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(file.modified_ns()));
  facts.inode = file.inode();
  facts.links = file.links();
  facts.link_target = file.link_target();
  return facts;
}

// The guest describes what it has open; the name is the caller's.
FileInfo named(FileInfo facts, std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  facts.name = path.substr(path.rfind('/') + 1);
  return facts;
}

template <typename Take>
Result<FileInfo> download(agentlink::Connection& connection, std::string_view path, const ReadRange& range,
                          const Deadline& deadline, Take take) {
  wire::msg::ReadFileRequest request;
  request.set_path(std::string(path));
  request.set_offset(range.offset);
  request.set_length(range.length);
  auto stream = BOXLITE_TRY(connection.open<wire::FilesRead>(request));
  DownloadStream in(stream, {.deadline = deadline});
  for (auto bytes = BOXLITE_TRY(in.next()); !bytes.empty(); bytes = BOXLITE_TRY(in.next()))
    BOXLITE_TRY(take(bytes));
  return named(facts_of(BOXLITE_TRY(stream.result(deadline))), path);
}

template <typename Give>
Result<FileInfo> upload(agentlink::Connection& connection, std::string_view path, const WriteOptions& options,
                        const Deadline& deadline, Give give) {
  wire::msg::WriteFileRequest request;
  request.set_path(std::string(path));
  request.set_no_create(!options.create);
  request.set_exclusive(options.exclusive);
  request.set_append(options.append);
  request.set_keep_content(!options.truncate);
  request.set_offset(options.offset);
  request.set_mode(options.mode);
  auto stream = BOXLITE_TRY(connection.open<wire::FilesWrite>(request));
  UploadStream out(stream, {.deadline = deadline});
  if (Result<void> given = give(out); !given) return fail(first_cause(stream, std::move(given).error()));
  return named(facts_of(BOXLITE_TRY(stream.result(deadline))), path);
}

FileEventKind kind_of(wire::msg::FileEvent::Kind kind) {
  using Event = wire::msg::FileEvent;
  switch (kind) {
    case Event::CREATED: return FileEventKind::created;
    case Event::WRITTEN: return FileEventKind::written;
    case Event::REMOVED: return FileEventKind::removed;
    case Event::MOVED_AWAY: return FileEventKind::moved_away;
    case Event::MOVED_HERE: return FileEventKind::moved_here;
    case Event::CHANGED: return FileEventKind::changed;
    default: return FileEventKind::lost;
  }
}

}  // namespace

Result<std::vector<std::byte>> read_file(agentlink::Connection& connection, std::string_view path,
                                         const ReadRange& range, const Deadline& deadline) {
  std::vector<std::byte> content;
  const auto take = [&](std::string_view bytes) -> Result<void> {
    if (content.size() + bytes.size() > most_at_once) {
      return fail(
          Error(ErrorCode::resource_exhausted, concat("read ", in_quotes(path), ": it has more than 64 MiB"))
              .with_remedy("read it in parts, or to a descriptor"));
    }
    const auto* const begin = reinterpret_cast<const std::byte*>(bytes.data());
    content.insert(content.end(), begin, begin + bytes.size());
    return {};
  };
  BOXLITE_TRY(download(connection, path, range, deadline, take));
  return content;
}

Result<FileInfo> read_file_to(agentlink::Connection& connection, std::string_view path, int fd,
                              const ReadRange& range, const Deadline& deadline) {
  return download(connection, path, range, deadline,
                  [&](std::string_view bytes) { return write_fully(fd, bytes, deadline); });
}

Result<FileInfo> write_file(agentlink::Connection& connection, std::string_view path,
                            std::span<const std::byte> bytes, const WriteOptions& options,
                            const Deadline& deadline) {
  return upload(connection, path, options, deadline, [&](auto& out) -> Result<void> {
    for (auto left = bytes; !left.empty();) {
      const auto room = BOXLITE_TRY(out.room());
      const auto count = std::min(room.size(), left.size());
      std::memcpy(room.data(), left.data(), count);
      BOXLITE_TRY(out.commit(count));
      left = left.subspan(count);
    }
    return out.finish();
  });
}

Result<FileInfo> write_file_from(agentlink::Connection& connection, std::string_view path, int fd,
                                 const WriteOptions& options, const Deadline& deadline) {
  return upload(connection, path, options, deadline, [&](auto& out) -> Result<void> {
    while (true) {
      const auto room = BOXLITE_TRY(out.room());
      const auto count = BOXLITE_TRY(read_some(fd, room, deadline));
      if (count == 0) return out.finish();
      BOXLITE_TRY(out.commit(count));
    }
  });
}

Result<std::vector<FileInfo>> list_files(agentlink::Connection& connection, std::string_view path) {
  wire::msg::ListFilesRequest request;
  request.set_path(std::string(path));
  auto stream = BOXLITE_TRY(connection.open<wire::FilesList>(request));
  std::vector<FileInfo> files;
  while (const auto list = BOXLITE_TRY(stream.read(Deadline::never()))) {
    for (const auto& file : list->files()) files.push_back(facts_of(file));
    if (files.size() > most_listed)
      return fail(ErrorCode::resource_exhausted,
                  concat("list ", in_quotes(path), ": more than a million files"));
  }
  BOXLITE_TRY(stream.result(Deadline::never()));
  return files;
}

Result<FileInfo> stat_file(agentlink::Connection& connection, std::string_view path,
                           const StatOptions& options) {
  wire::msg::StatRequest request;
  request.set_path(std::string(path));
  request.set_follow_link(options.follow_symlinks);
  return facts_of(BOXLITE_TRY(connection.call<wire::FilesStat>(request, Deadline::never())));
}

Result<void> make_directory(agentlink::Connection& connection, std::string_view path,
                            const MakeDirectoryOptions& options) {
  wire::msg::MakeDirectoryRequest request;
  request.set_path(std::string(path));
  request.set_parents(options.parents);
  request.set_mode(options.mode);
  BOXLITE_TRY(connection.call<wire::FilesMakeDirectory>(request, Deadline::never()));
  return {};
}

Result<void> remove_file(agentlink::Connection& connection, std::string_view path,
                         const RemoveFileOptions& options) {
  wire::msg::RemoveFileRequest request;
  request.set_path(std::string(path));
  request.set_recursive(options.recursive);
  BOXLITE_TRY(connection.call<wire::FilesRemove>(request, Deadline::never()));
  return {};
}

Result<void> rename_file(agentlink::Connection& connection, std::string_view from, std::string_view to,
                         const RenameOptions& options) {
  wire::msg::RenameFileRequest request;
  request.set_from(std::string(from));
  request.set_to(std::string(to));
  request.set_keep_existing(!options.overwrite);
  BOXLITE_TRY(connection.call<wire::FilesRename>(request, Deadline::never()));
  return {};
}

Result<WatchStream> watch_files(agentlink::Connection& connection, std::string_view path,
                                const WatchOptions& options) {
  wire::msg::WatchRequest request;
  request.set_path(std::string(path));
  request.set_recursive(options.recursive);
  auto stream = BOXLITE_TRY(connection.open<wire::FilesWatch>(request));
  const auto first = BOXLITE_TRY(stream.read(Deadline::never()));
  if (!first || !first->begins()) {
    BOXLITE_TRY(stream.result(Deadline::never()));
    return fail(ErrorCode::stopped, concat("watch ", in_quotes(path), ": it is gone"));
  }
  return stream;
}

Result<std::vector<FileEvent>> next_events(WatchStream& stream, const Deadline& deadline) {
  const auto message = BOXLITE_TRY(stream.read(deadline));
  std::vector<FileEvent> events;
  if (!message) {
    BOXLITE_TRY(stream.result(Deadline::never()));
    return events;
  }
  for (const auto& event : message->events()) {
    events.push_back({.kind = kind_of(event.kind()),
                      .path = event.path(),
                      .is_directory = event.is_directory(),
                      .move = event.move()});
  }
  return events;
}

}  // namespace boxlite::box
