// SPDX-License-Identifier: Apache-2.0
#include "oci/manifest.h"

#include "base/concat.h"
#include "oci/media_type.h"

namespace boxlite::oci {

Result<Manifest> as_oci(Manifest manifest) {
  manifest.media_type = media_type::manifest;
  auto& config_type = manifest.config.media_type;
  if (config_type.empty() || config_type == media_type::docker_config) config_type = media_type::config;
  if (config_type != media_type::config) {
    return fail(
        ErrorCode::unsupported,
        concat("the manifest is not of a container image: its config has the type ", in_quotes(config_type)));
  }
  for (auto& layer : manifest.layers) {
    const auto type = media_type::oci_layer(layer.media_type);
    if (!type) {
      return fail(ErrorCode::unsupported, concat("layer ", layer.digest.str(), ": cannot read the type ",
                                                 in_quotes(layer.media_type)));
    }
    layer.media_type = *type;
  }
  return manifest;
}

Result<Descriptor> choose_platform(const Index& index, const Platform& wanted) {
  constexpr int no_platform = 1000;
  const Descriptor* best = nullptr;
  int best_distance = 0;
  std::vector<std::string> offered;
  std::string remedy = "choose one of the offered platforms";
  for (const auto& entry : index.manifests) {
    if (!media_type::is_manifest(entry.media_type) && !media_type::is_index(entry.media_type)) continue;
    if (entry.platform && entry.platform->os == "unknown") continue;  // build attestations, not images
    const auto rank = entry.platform ? distance(wanted, *entry.platform) : no_platform;
    if (entry.platform && offered.size() < 50) offered.push_back(entry.platform->str());
    if (!rank && can_run(wanted, *entry.platform)) remedy = how_to_ask_for(*entry.platform);
    if (!rank || (best && *rank >= best_distance)) continue;
    best = &entry;
    best_distance = *rank;
  }
  if (best) return *best;
  return fail(Error(ErrorCode::not_found, concat("no image for the platform ", wanted.str(), "; offered: ",
                                                 offered.empty() ? "none" : join(offered, ", ")))
                  .with_remedy(std::move(remedy)));
}

}  // namespace boxlite::oci
