// SPDX-License-Identifier: Apache-2.0
// Reads the tar dialects that layers come in: ustar, pax, GNU (long names, base-256 numbers, sparse files of
// every format), old v7. Written here and not taken from libarchive because names must stay bytes (libarchive
// converts them through the process's locale, which is not ours to set) and because layers are hostile: every
// length has its limit in this file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tar/byte_stream.h"
#include "tar/tar_entry.h"

namespace boxlite::tar {

struct ContentPiece {
  std::uint64_t offset;    // in the file; what no piece covers is a hole
  std::string_view bytes;  // never empty; valid until the next call to the reader
};

class TarReader {
 public:
  explicit TarReader(ByteStream& stream) : stream_(stream) {}

  // The next file, nothing after the last. Content that was not read is skipped.
  Result<std::optional<TarEntry>> next();
  // The next piece of the current file's content in the order of offsets, nothing at its end.
  Result<std::optional<ContentPiece>> read_content();

 private:
  struct Region {
    std::uint64_t offset;
    std::uint64_t length;
  };
  struct Extensions;  // what pax and GNU headers say about the entry that follows them
  using Header = std::string_view;

  Result<bool> refill();
  Result<std::string_view> take_some(std::uint64_t at_most);
  Result<std::string> take_all(std::uint64_t length);
  Result<void> skip(std::uint64_t length);
  Result<bool> read_header();
  Result<std::string> read_extension(std::uint64_t size, std::string_view what);
  Result<void> read_extended_sparse(Extensions& extensions);
  Result<void> read_sparse_1_0(Extensions& extensions, std::uint64_t& stored);
  Result<TarEntry> finish_entry(Extensions& extensions);
  Result<void> place_content(const Extensions& extensions, TarEntry& entry, std::uint64_t stored);

  ByteStream& stream_;
  std::string_view piece_;
  bool at_end_ = false;
  std::string header_;

  std::vector<Region> regions_;  // what is left of the current content
  std::size_t region_ = 0;
  std::uint64_t stored_left_ = 0;
  std::uint64_t padding_ = 0;
};

}  // namespace boxlite::tar
