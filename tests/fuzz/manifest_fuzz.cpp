// SPDX-License-Identifier: Apache-2.0
// links: oci image
// Every JSON document that a registry, an archive or a credential file may hand us.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/registry/credentials.h"
#include "image/registry/registry_answers.h"
#include "oci/docker_archive.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace boxlite;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto document = oci::parse_document(text, {})) {
    if (const auto* manifest = std::get_if<oci::Manifest>(&*document)) {
      const auto again = oci::parse_manifest(oci::to_json(*manifest));
      if (!again || again->layers.size() != manifest->layers.size()) std::abort();
      (void)oci::as_oci(*manifest);
    } else {
      const auto& index = std::get<oci::Index>(*document);
      if (!oci::parse_index(oci::to_json(index))) std::abort();
      (void)oci::choose_platform(index, oci::Platform::of_host());
    }
  }
  (void)oci::parse_image_config(text);
  (void)oci::parse_docker_archive_manifest(text);
  (void)image::parse_credential_file(text);
  (void)image::parse_helper_answer(text);
  (void)image::parse_token_answer(text);
  (void)image::describe_errors(text);
  return 0;
}
