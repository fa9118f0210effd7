// SPDX-License-Identifier: Apache-2.0
#include "local/home/image_facts.h"

namespace boxlite::local {

ImageInfo image_facts(const image::Image& image) {
  ImageInfo facts;
  facts.reference = image.reference;
  facts.id = image.config_digest.str();
  facts.manifest_digest = image.manifest_digest.str();
  facts.platform = image.platform.str();
  facts.created_at = image.config.created ? to_rfc3339(*image.config.created) : std::string();
  facts.pulled_at = to_rfc3339(image.pulled_at);
  facts.size_bytes = image.size_bytes;
  facts.layer_count = image.layers.size();
  facts.entrypoint = image.config.entrypoint;
  facts.command = image.config.cmd;
  facts.env = image.config.env;
  facts.working_dir = image.config.working_dir;
  facts.user = image.config.user;
  facts.labels.assign(image.config.labels.begin(), image.config.labels.end());
  for (const auto& layer : image.layers) facts.layer_digests.push_back(layer.digest.str());
  return facts;
}

}  // namespace boxlite::local
