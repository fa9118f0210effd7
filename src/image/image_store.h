// SPDX-License-Identifier: Apache-2.0
// The images of one home directory: brought in from registries and archives, found by name or id, removed.
// Any number of processes and threads may use one directory at once; a process killed at any instruction
// leaves a store that the others can use (docs/explanation/images.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/blob_store.h"
#include "image/catalog.h"
#include "image/image.h"
#include "image/progress.h"
#include "image/registry/puller.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace boxlite::image {

struct StoreOptions {
  NetworkOptions network = {};
  std::uint64_t max_archive_bytes = 64ull << 30;  // of one archive, unpacked
};

enum class PullPolicy {
  missing,  // only when the store has no such image
  always,   // ask the registry for the newest; what is here already is not fetched again
};

struct PullOptions {
  PullPolicy policy = PullPolicy::always;
  std::optional<oci::Platform> platform = {};  // empty: the host's
  ProgressCallback progress = {};
  std::stop_token stop = {};
};

struct LoadOptions {
  // What to call the image; only for an archive (or a selection) of one image. Empty: the archive's own
  // names.
  std::string name = {};
  // Only the image that has this name in the archive. Empty: all.
  std::string select = {};
  // Which image of a multi-platform index. Empty: the host's.
  std::optional<oci::Platform> platform = {};
  ProgressCallback progress = {};
  std::stop_token stop = {};
};

struct RemoveReport {
  std::vector<std::string> untagged;  // references that are gone
  std::vector<oci::Digest> deleted;   // manifests that are gone
  std::uint64_t freed_bytes = 0;
  // True when blobs stay for now, because another process is using the store; the next sweep takes them.
  bool is_sweep_postponed = false;
};

struct PruneOptions {
  bool all = false;  // also images with a name, not only those that lost theirs
  bool dry_run = false;
  std::set<oci::Digest> keep = {};  // manifest or config digests of images in use
};

class ImageStore {
 public:
  // Makes the directory when it is missing.
  static Result<ImageStore> open(const std::filesystem::path& directory, StoreOptions options);

  // From a registry: the name's own, or those of the search list and docker.io; mirrors first. The error
  // names every place that was asked with its reason: its code is that of the last place.
  Result<Image> pull(std::string_view reference, const PullOptions& options) const;

  // An OCI layout directory, or an archive file. An archive's bare tags are put behind the file's name:
  // "latest" in debian.tar is debian:latest. One Image per name; the last entry of the error chain says which
  // image failed.
  Result<std::vector<Image>> load(const std::filesystem::path& source, const LoadOptions& options) const;
  // An archive from a descriptor that may be a pipe.
  Result<std::vector<Image>> load_stream(int archive_fd, const LoadOptions& options) const;

  // By name (an unqualified one as pull() looks for it: "alpine", "reg:5000/x@sha256:…"), by digest (config,
  // manifest, or the registry's), or by a hex prefix of at least 4 digits of one of these. A name is tried
  // before an id. not_found with a remedy; invalid_argument when a prefix fits several images. Without a
  // platform: the host's, else the only one there is.
  Result<Image> resolve(std::string_view text, const std::optional<oci::Platform>& platform = {}) const;

  // Newest first. Images that lost their name have an empty reference.
  Result<std::vector<Image>> list() const;

  // A name is untagged; an id removes every name of the image, with more than one name only by `force`.
  // Then deletes the blobs that nobody references.
  Result<RemoveReport> remove(std::string_view text, bool force = false) const;
  Result<RemoveReport> prune(const PruneOptions& options) const;

  // Nothing is swept while the lease lives: hold one from resolve() until the last layer is read.
  Result<Lease> lease() const { return blobs_.lease(); }
  // The stored bytes of a layer (digest and size were verified on the way in), at offset 0.
  Result<UniqueFd> open_layer(const Layer& layer) const { return blobs_.open_blob(layer.digest, layer.size); }
  std::filesystem::path blob_path(const oci::Digest& digest) const { return blobs_.path_of(digest); }

 private:
  ImageStore(BlobStore blobs, StoreOptions options);
  Result<Image> pull_from(const std::vector<Candidate>& places, const PullOptions& options) const;
  Result<std::vector<Image>> load_or_sweep(const std::filesystem::path& source, int archive_fd,
                                           const LoadOptions& options) const;
  Result<std::vector<Image>> load_from(const std::filesystem::path& source, int archive_fd,
                                       const LoadOptions& options) const;
  struct Match {
    std::vector<CatalogEntry> entries;  // never empty
    bool is_by_name = false;
  };
  Result<Match> matching(std::string_view text) const;
  Result<RemoveReport> remove_entries(const std::function<bool(const CatalogEntry&)>& is_gone) const;
  Result<SweepReport> sweep(bool dry_run) const;

  BlobStore blobs_;
  Catalog catalog_;
  StoreOptions options_;
};

}  // namespace boxlite::image
