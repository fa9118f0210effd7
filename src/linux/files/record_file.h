// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// A small text file that is replaced as a whole, on a disk that has become full as well: the room for its
// next content is taken beforehand, in a file beside it ("<name>.next"). Readers see the old content or the
// new one. One writer; one thread.
class RecordFile {
 public:
  // Does nothing yet.
  RecordFile(std::filesystem::path path, std::size_t room_bytes);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  // Gives the room back.
  ~RecordFile();

  // From here on a replacement of at most `room_bytes` needs no room. resource_exhausted when there is none;
  // a file system that can promise no room is a success.
  Result<void> take_room();
  // Content that is shorter than what the file beside held is followed by empty lines: to cut it would give
  // room away. Not synced: after a power cut the file may be anything.
  Result<void> replace(std::string_view content);
  // The same, and there after a power cut.
  Result<void> replace_durably(std::string_view content);

 private:
  Result<void> write_next(std::string_view content);
  Result<void> put_in_place();

  const std::filesystem::path path_;
  const std::filesystem::path next_path_;
  const std::size_t room_bytes_;
  UniqueFd next_;
};

}  // namespace boxlite::linux_
