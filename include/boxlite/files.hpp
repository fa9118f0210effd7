// SPDX-License-Identifier: Apache-2.0
// Files of a box: copies both ways, and the file system's own operations. Paths in the box are bytes, mounts
// and volumes included; relative ones begin at "/". The box is started when it does not run, as by Box::exec.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/call_options.hpp>
#include <boxlite/error.hpp>
#include <boxlite/time_point.hpp>

namespace boxlite {

namespace backend {
class Files;
class FileWatch;
}  // namespace backend

struct CopyOptions {
  bool recursive = true;  // false: a directory is refused (invalid_argument)
  bool overwrite = true;  // false: files that exist stay as they are, and are counted
  // Of a source that is a symlink itself: copy what it leads to. Below the source links stay links.
  bool follow_symlinks = false;
  bool include_parent = true;  // false: of a directory only what is in it, as with "/." at its end
  // Keep uid and gid. Otherwise files in the box belong to the box's user, files on the host to the caller.
  bool archive = false;
  // Out of a box: more content than this is an error (resource_exhausted). 0: no limit.
  std::uint64_t max_bytes = 0;
};

struct CopyReport {
  std::uint64_t files = 0;  // of every kind but directories
  std::uint64_t bytes = 0;  // of content, holes left out
  std::uint64_t skipped_existing = 0;
  std::uint64_t skipped_special = 0;  // devices, which are never made on the host
};

enum class FileKind { file, directory, symlink, char_device, block_device, fifo, socket };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(FileKind kind);

// A file as it was at one moment.
struct FileInfo {
  std::string name = {};  // the last part of its path
  FileKind kind = FileKind::file;
  unsigned mode = 0;  // permissions, set-id and sticky bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  TimePoint modified = {};
  std::uint64_t inode = 0;
  std::uint32_t links = 0;
  std::string link_target = {};  // of a symlink
};

struct StatOptions {
  bool follow_symlinks = true;  // of the path's last part
};

struct MakeDirectoryOptions {
  bool parents = false;  // as mkdir -p
  unsigned mode = 0755;
};

struct RemoveFileOptions {
  bool recursive = false;  // a directory with all in it, never through a symlink
};

struct RenameOptions {
  bool overwrite = true;  // false: already_exists when something is there
};

struct WatchOptions {
  bool recursive = false;  // what is below as well, at most 8,192 directories
};

struct ReadRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  // 0: to the end
};

struct WriteOptions {
  bool create = true;      // false: not_found when it is missing
  bool exclusive = false;  // true: already_exists when it is there
  bool append = false;
  bool truncate = true;  // unless `append`
  std::uint64_t offset = 0;
  unsigned mode = 0644;  // of a new file
};

enum class FileEventKind {
  created,
  written,  // closed after writing
  removed,
  moved_away,
  moved_here,
  changed,  // mode, owner, times
  lost,     // more happened than could be told: look again at everything
};

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(FileEventKind kind);

struct FileEvent {
  FileEventKind kind = FileEventKind::created;
  std::string path = {};  // below the watched path; empty: it itself
  bool is_directory = false;
  std::uint32_t move = 0;  // the same number in both halves of a move, else 0
};

// A watch that stands from the moment Files::watch returned. A handle, cheap to copy; ends with the last one.
// Thread-safe.
class BOXLITE_API FileWatch {
 public:
  explicit FileWatch(std::shared_ptr<backend::FileWatch> backend);
  // Blocks until something has happened: the events in order, never none. An empty list: the watched path is
  // gone and nothing follows.
  Result<std::vector<FileEvent>> next(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::FileWatch> backend_;
};

// The files of one box: a handle, cheap to copy. Thread-safe; calls block. Every call may fail with `stopped`
// when the box goes away; not_found, permission_denied and so on are those of the file.
class BOXLITE_API Files {
 public:
  explicit Files(std::shared_ptr<backend::Files> backend);

  // Copies a file or a tree. Where it goes follows `docker cp`: into a destination that is a directory, else
  // under the destination's name; "/." at the end of the source is what is in it. Missing directories above
  // the destination are made. Memory does not grow with what is copied. After an error some of it may have
  // been copied, but never half a file. Progress is told on the calling thread, after every piece of at most
  // 64 KiB: bytes of the archive that passes; the total is unknown for directories.
  Result<CopyReport> copy_in(const std::filesystem::path& source, std::string_view destination,
                             const CopyOptions& options = {}, const CallOptions& call = {});
  Result<CopyReport> copy_out(std::string_view source, const std::filesystem::path& destination,
                              const CopyOptions& options = {}, const CallOptions& call = {});

  // The same as a tar archive read from or written to a descriptor (borrowed, blocking or not). In: every
  // dialect of tar, not compressed, into the directory, which must exist. Out: pax.
  Result<CopyReport> unpack(int archive_fd, std::string_view directory, const CopyOptions& options = {},
                            const CallOptions& call = {});
  Result<CopyReport> pack(std::string_view source, int archive_fd, const CopyOptions& options = {},
                          const CallOptions& call = {});

  // At most 64 MiB (resource_exhausted when the range has more): read_to has no limit.
  Result<std::vector<std::byte>> read(std::string_view path, const ReadRange& range = {},
                                      const CallOptions& call = {});
  Result<FileInfo> read_to(std::string_view path, int fd, const ReadRange& range = {},
                           const CallOptions& call = {});
  // What was there before is lost first: for a change that others see at once, write beside and rename.
  Result<FileInfo> write(std::string_view path, std::span<const std::byte> bytes,
                         const WriteOptions& options = {}, const CallOptions& call = {});
  Result<FileInfo> write_from(std::string_view path, int fd, const WriteOptions& options = {},
                              const CallOptions& call = {});

  // In no order, without "." and "..".
  Result<std::vector<FileInfo>> list(std::string_view path);
  Result<FileInfo> stat(std::string_view path, const StatOptions& options = {});
  Result<void> make_directory(std::string_view path, const MakeDirectoryOptions& options = {});
  Result<void> remove(std::string_view path, const RemoveFileOptions& options = {});
  Result<void> rename(std::string_view from, std::string_view to, const RenameOptions& options = {});

  // Tells of changes to a file, or in a directory.
  Result<FileWatch> watch(std::string_view path, const WatchOptions& options = {});

 private:
  std::shared_ptr<backend::Files> backend_;
};

}  // namespace boxlite
