// SPDX-License-Identifier: Apache-2.0
// The files of the image store: content-addressed blobs, and the locks around them.
//
//   <root>/oci-layout, blobs/<algorithm>/<hex>     an OCI image layout (index.json is the Catalog's)
//   <root>/tmp/<algorithm>-<hex>.part              a download; survives a kill and is continued
//   <root>/tmp/<random>.new                        bytes whose digest is not known yet
//   <root>/locks/<algorithm>-<hex>                 flock: one process downloads a blob at a time
//   <root>/gc.lock                                 flock: shared while somebody adds or needs blobs (Lease),
//                                                  exclusive while unreferenced files are swept away
// Every lock belongs to the kernel, so a killed process leaves none. A file in blobs/ is always whole and
// verified.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/files/file_lock.h"
#include "oci/digest.h"

namespace boxlite::image {

// As long as one lives, no process sweeps blobs. Movable; may outlive the store.
class Lease {
 public:
  explicit Lease(linux_::FileLock lock) : lock_(std::move(lock)) {}

 private:
  linux_::FileLock lock_;
};

// A blob on its way in. The digest is computed while bytes arrive. Dropped without commit(): the bytes go,
// except those of a download that knows its digest. Used by one thread. Needs a Lease that lives longer.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  // Bytes held so far; more than 0 at the start when an earlier download is continued.
  std::uint64_t offset() const { return offset_; }
  Result<void> append(std::string_view bytes);
  // Forgets what is held.
  Result<void> restart();
  // Checks size and digest of a download (corrupted, with the bytes dropped), makes the blob durable and
  // visible.
  Result<oci::Digest> commit();

 private:
  friend class BlobStore;
  BlobWriter(std::filesystem::path root, std::filesystem::path path, UniqueFd file);
  Result<void> hash_what_is_there();

  std::filesystem::path root_;
  std::filesystem::path path_;
  UniqueFd file_;
  oci::Hasher hasher_;
  std::optional<oci::Digest> expected_;
  std::uint64_t expected_size_ = 0;
  std::optional<linux_::FileLock> lock_;
  std::uint64_t offset_ = 0;
};

struct SweepReport {
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
};

// Thread-safe: holds a path only. Any number of processes may use one root.
class BlobStore {
 public:
  // Makes what is missing; needs the right to write.
  static Result<BlobStore> open(std::filesystem::path root);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path path_of(const oci::Digest& digest) const;

  // Waits while a sweep runs (milliseconds).
  Result<Lease> lease() const;

  // Whether the blob is there with this size; a file of another size is removed, so that it can be fetched
  // again.
  Result<bool> contains(const oci::Digest& digest, std::uint64_t size) const;
  // not_found, or corrupted when the size differs.
  Result<UniqueFd> open_blob(const oci::Digest& digest, std::uint64_t size) const;
  // The bytes, with the digest checked again.
  Result<std::string> read(const oci::Digest& digest, std::size_t limit) const;
  Result<oci::Digest> put(std::string_view bytes) const;

  // A writer for a known blob, or none when the blob is there. Waits while another process writes the same
  // one.
  Result<std::optional<BlobWriter>> fetch(const oci::Digest& digest, std::uint64_t size,
                                          const std::stop_token& stop) const;
  // A writer for bytes whose sha256 is to be found out.
  Result<BlobWriter> stage() const;

  // Removes every blob not in the set that `referenced` returns, and old leftovers. `referenced` runs when
  // nobody adds blobs. unavailable when leases exist. With `dry_run` it only counts.
  Result<SweepReport> sweep(const std::function<Result<std::set<oci::Digest>>()>& referenced,
                            bool dry_run) const;

 private:
  explicit BlobStore(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path root_;
};

}  // namespace boxlite::image
