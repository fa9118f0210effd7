// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tar/byte_sink.h"
#include "tar/hard_links.h"
#include "tar/header_writer.h"
#include "tar/tar_entry.h"

namespace boxlite::tar {

// What went into an archive, or came out of one.
struct Amount {
  std::uint64_t files = 0;  // of every kind but directories
  std::uint64_t bytes = 0;  // of content, holes left out
};

// Writes files and trees as a pax archive, in memory that does not grow with them. Symlinks are stored, never
// followed. Sockets are left out, and so is what is mounted below the tree but is no files: proc, sysfs and
// their like. Of a tree that is there itself, files are read to their end, whatever size they claim. A file
// that shrinks meanwhile is filled up with zeros, one that vanishes is left out; what cannot be read is left
// out as well, and told of at the end.
class Packer {
 public:
  explicit Packer(ByteSink& sink) : sink_(sink) {}

  // Adds `name` of the directory, with all below it, as `archive_name` ("." for a tree without a name).
  Result<void> add(int directory_fd, const std::string& name, std::string archive_name);
  // The archive's end. Nothing can be added afterwards.
  Result<void> finish();

  const Amount& amount() const { return amount_; }
  // An error names what could not be read, after all else was packed.
  Result<void> outcome() const;

 private:
  // A directory that is being read.
  struct Level {
    UniqueFd fd;
    std::vector<char> entries;  // as the kernel gives them
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t path_length = 0;  // of its own path in path_
  };

  Result<void> step();
  Result<void> visit(int directory_fd, const char* name, unsigned char type);
  Result<void> visit_file(int directory_fd, const char* name);
  Result<void> visit_directory(int directory_fd, const char* name);
  Result<void> visit_other(int directory_fd, const char* name, const struct stat& status);
  Result<void> pack_file(int file_fd, const struct stat& status);
  Result<void> pack_view(int file_fd);
  Result<std::string> read_view(int file_fd);
  Result<void> pack_content(int file_fd, const Region& region);
  Result<void> pad(std::uint64_t content);
  void describe(const struct stat& status, EntryKind kind);
  void read_xattrs(int file_fd);
  Result<void> write(std::string_view bytes);
  Result<void> write_headers();
  Result<void> skip(std::string_view call, int os_error);
  Result<void> skip(Error why);

  ByteSink& sink_;
  Amount amount_;
  std::string path_;  // of the current entry in the archive
  std::vector<Level> levels_;
  std::size_t depth_ = 0;
  bool is_top_ = true;
  dev_t top_device_ = 0;
  std::optional<Error> first_skipped_;
  std::size_t skipped_ = 0;
  HardLinks links_;
  TarEntry entry_;
  std::string headers_;
  std::vector<char> xattr_names_;
};

}  // namespace boxlite::tar
