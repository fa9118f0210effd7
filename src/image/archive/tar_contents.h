// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/archive/archive.h"
#include "image/blob_store.h"

namespace boxlite::image {

struct TarBlob {
  oci::Digest digest;
  std::uint64_t size = 0;
  std::string media_type;  // by its first bytes: a layer type
};

// What an image archive holds, after one pass over it: documents in memory, everything else as blobs in the
// store.
class TarContents {
 public:
  static Result<TarContents> read(const BlobStore& store, int archive_fd, const ArchiveOptions& options);

  // index.json, manifest.json, oci-layout.
  std::optional<std::string> document(const std::string& name) const;
  // The blob under that name, through symbolic and hard links inside the archive; not_found names it.
  Result<TarBlob> blob(std::string_view name) const;

 private:
  friend class TarPass;
  std::map<std::string, std::string, std::less<>> documents_;
  std::map<std::string, TarBlob, std::less<>> blobs_;
  std::map<std::string, std::string, std::less<>> links_;
};

// "a/./b/../c" is "a/c"; nothing when it would leave the archive. Purely lexical.
std::optional<std::string> normal_name(std::string_view name);

}  // namespace boxlite::image
