// SPDX-License-Identifier: Apache-2.0
// From an image name to stored blobs.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/blob_store.h"
#include "image/catalog.h"
#include "image/progress.h"
#include "image/registry/http_client.h"
#include "image/registry/registry_config.h"
#include "image/registry/registry_session.h"
#include "oci/platform.h"
#include "oci/reference.h"

namespace boxlite::image {

struct NetworkOptions {
  std::vector<RegistryConfig> registries = {};
  // Empty: default_credential_files().
  std::vector<std::filesystem::path> credential_files = {};
  HttpLimits http = {};
  RetryLimits retry = {};
  int parallel_downloads = 4;
  std::uint64_t max_image_bytes = 64ull << 30;
};

// One place where an image may be: the registry to ask, and what the image is called when it is found there.
struct Candidate {
  RegistryConfig registry;
  oci::Reference reference;
};

// In the order to try: for a name with a registry its mirrors, then itself; for a name without one the search
// registries, then docker.io, each with its mirrors.
std::vector<Candidate> candidates(const oci::Reference& reference,
                                  const std::vector<RegistryConfig>& registries);

// One pull. Lives as long as the call; its session's tokens go with it.
class Puller {
 public:
  Puller(const BlobStore& store, const NetworkOptions& options, ProgressCallback progress,
         std::stop_token stop);

  // Stores the image's blobs; the entry is not in the catalog yet. Needs a Lease.
  Result<CatalogEntry> pull(const Candidate& candidate, const std::optional<oci::Platform>& platform);

 private:
  HttpClient http_;
  const BlobStore& store_;
  const NetworkOptions& options_;
  ProgressCallback progress_;
  std::stop_token stop_;
};

}  // namespace boxlite::image
