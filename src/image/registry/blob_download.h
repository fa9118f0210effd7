// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/blob_store.h"
#include "image/progress.h"
#include "image/registry/registry_session.h"
#include "oci/manifest.h"

namespace boxlite::image {

// Brings blobs of one repository into the store: continued after lost connections and killed processes,
// verified.
class BlobDownload {
 public:
  BlobDownload(const BlobStore& store, RegistrySession& session, std::string repository,
               ProgressCallback progress)
      : store_(store),
        session_(session),
        repository_(std::move(repository)),
        progress_(std::move(progress)) {}

  // Thread-safe.
  Result<void> fetch(const oci::Descriptor& blob, const std::stop_token& stop) const;
  // Up to `parallel` at a time; the first error stops the others and is returned.
  Result<void> fetch_all(const std::vector<oci::Descriptor>& blobs, int parallel,
                         const std::stop_token& stop) const;

 private:
  Result<void> fetch_rest(const oci::Descriptor& blob, BlobWriter& writer, const std::stop_token& stop) const;
  Result<HttpResponse> ask(const oci::Descriptor& blob, const HttpRequest& request) const;

  const BlobStore& store_;
  RegistrySession& session_;
  std::string repository_;
  ProgressCallback progress_;
};

}  // namespace boxlite::image
