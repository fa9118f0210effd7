// SPDX-License-Identifier: Apache-2.0
// An image in the store, as a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "oci/digest.h"
#include "oci/image_config.h"
#include "oci/platform.h"

namespace boxlite::image {

struct Layer {
  oci::Digest digest;      // of the stored, maybe compressed bytes
  std::string media_type;  // one of oci::media_type::layer_*
  std::uint64_t size = 0;
  oci::Digest diff_id;  // of the plain tar; whoever unpacks the layer checks it
};

struct Image {
  // The full name, "docker.io/library/alpine:latest"; empty for an image that lost its name or never had one.
  std::string reference;
  oci::Digest manifest_digest;
  oci::Digest config_digest;  // the image's id
  // What the registry calls it: the digest of its index or manifest. Equal to manifest_digest for loaded
  // images.
  oci::Digest source_digest;
  oci::Platform platform;
  oci::ImageConfig config;
  std::vector<Layer> layers;     // bottom first; never empty
  std::uint64_t size_bytes = 0;  // of all stored blobs of this image
  Timestamp pulled_at = {};

  // One digest for the unpacked file system: the key of the disk cache.
  oci::Digest chain_id() const;
};

}  // namespace boxlite::image
