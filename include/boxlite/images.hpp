// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boxlite/box.hpp>
#include <boxlite/error.hpp>

namespace boxlite {

namespace backend {
class Runtime;
}

// An image as stored. Names are full references ("docker.io/library/debian:12").
struct ImageInfo {
  std::string reference = {};
  std::string id = {};  // digest of the image config: "sha256:…"
  std::string manifest_digest = {};
  std::string platform = {};     // "linux/amd64"
  std::string created_at = {};   // RFC 3339, as the image says; may be empty
  std::string pulled_at = {};    // RFC 3339
  std::uint64_t size_bytes = 0;  // of the stored, compressed blobs
  std::size_t layer_count = 0;
  std::vector<std::string> entrypoint = {};
  std::vector<std::string> command = {};
  std::vector<std::string> env = {};  // "K=V"
  std::string working_dir = {};
  std::string user = {};
  std::vector<std::pair<std::string, std::string>> labels = {};
  std::vector<std::string> layer_digests = {};
};

struct PullOptions {
  std::string platform = {};  // empty: the host's
};

struct LoadOptions {
  std::string name = {};      // empty: the names in the archive
  std::string platform = {};  // empty: the host's
};

struct RemoveImageOptions {
  bool force = false;  // also while a box uses it
};

struct PruneOptions {
  bool all = false;  // also images that have a name but no box
  bool dry_run = false;
};

struct PruneReport {
  std::vector<std::string> removed = {};  // references, digests and disks
  std::uint64_t freed_bytes = 0;
};

// The images of a Runtime's home. Thread-safe; any number of processes may use one home.
class BOXLITE_API Images {
 public:
  explicit Images(std::shared_ptr<backend::Runtime> backend);

  // Downloads and verifies. not_found lists the registries asked with their answers; permission_denied when
  // credentials are missing or refused; corrupted when bytes do not match their digest.
  // What has come is kept for the next pull, also when this one is ended early.
  Result<ImageInfo> pull(std::string_view reference, const PullOptions& options = {},
                         const CallOptions& call = {});

  // From an OCI layout (directory or tar) or a docker-archive tar (docker save), compressed or not.
  Result<std::vector<ImageInfo>> load(const std::filesystem::path& archive, const LoadOptions& options = {},
                                      const CallOptions& call = {});
  // The same from a descriptor, which may be a pipe; it is borrowed and read to its end.
  Result<std::vector<ImageInfo>> load(int archive_fd, const LoadOptions& options = {},
                                      const CallOptions& call = {});

  // By reference, id, manifest digest or a unique prefix of one (invalid_argument when ambiguous).
  Result<ImageInfo> get(std::string_view name) const;
  Result<std::vector<ImageInfo>> list() const;

  // Removes a name and, with the last name, the image. invalid_state while a box uses it, unless `force`;
  // boxes keep their disks in any case.
  Result<PruneReport> remove(std::string_view name, const RemoveImageOptions& options = {});
  // Removes what no name and no box needs: blobs, image disks, leftovers of killed processes.
  Result<PruneReport> prune(const PruneOptions& options = {});

  // Writes the root file system of a stored image into `directory`, which must be empty or missing.
  Result<void> export_rootfs(std::string_view name, const std::filesystem::path& directory,
                             const CallOptions& call = {});

 private:
  std::shared_ptr<backend::Runtime> backend_;
};

}  // namespace boxlite
