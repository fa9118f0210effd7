// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "oci/fields.h"
#include "oci/manifest.h"
#include "oci/media_type.h"

namespace boxlite::oci {
namespace {

using nlohmann::json;

constexpr std::size_t max_annotations = 1000;
constexpr std::size_t max_urls = 16;

Result<Platform> read_platform(const json& value) {
  if (!value.is_object()) return fields::wrong("platform", "an object");
  Platform platform;
  platform.os = BOXLITE_TRY(fields::text(value, "os"));
  platform.architecture = BOXLITE_TRY(fields::text(value, "architecture"));
  platform.variant = BOXLITE_TRY(fields::text(value, "variant"));
  return platform.normalised();
}

Result<Descriptor> read_descriptor(const json& value) {
  if (!value.is_object()) return fields::wrong("descriptor", "an object");
  const auto digest_text = BOXLITE_TRY(fields::text(value, "digest"));
  auto digest = Digest::parse(digest_text);
  if (!digest) return fail(ErrorCode::corrupted, digest.error().message());
  Descriptor descriptor{.media_type = {}, .digest = *std::move(digest)};
  descriptor.media_type = BOXLITE_TRY(fields::text(value, "mediaType"));
  descriptor.size = BOXLITE_TRY(fields::number(value, "size", max_blob_bytes));
  descriptor.annotations = BOXLITE_TRY(fields::text_map(value, "annotations", max_annotations));
  descriptor.urls = BOXLITE_TRY(fields::texts(value, "urls", max_urls));
  if (const auto* platform = fields::find(value, "platform"))
    descriptor.platform = BOXLITE_TRY(read_platform(*platform));
  return descriptor;
}

Result<std::vector<Descriptor>> read_descriptors(const json& object, const char* key, std::size_t max) {
  std::vector<Descriptor> result;
  const auto* list = fields::find(object, key);
  if (!list) return result;
  if (!list->is_array()) return fields::wrong(key, "a list");
  if (list->size() > max)
    return fields::wrong(key, concat("at most ", max, " entries, found ", list->size()));
  for (const auto& item : *list) {
    auto descriptor = read_descriptor(item);
    if (!descriptor)
      return fail(std::move(descriptor).error().context(concat("entry ", result.size(), " of ", key)));
    result.push_back(*std::move(descriptor));
  }
  return result;
}

Result<Manifest> read_manifest(const json& document) {
  const auto* config = fields::find(document, "config");
  if (!config) return fields::wrong("config", "a descriptor");
  auto config_blob = BOXLITE_TRY_CONTEXT("config", read_descriptor(*config));
  Manifest manifest{.media_type = {}, .config = std::move(config_blob)};
  manifest.media_type = BOXLITE_TRY(fields::text(document, "mediaType"));
  if (manifest.media_type.empty()) manifest.media_type = media_type::manifest;
  manifest.layers = BOXLITE_TRY(read_descriptors(document, "layers", max_layers));
  manifest.annotations = BOXLITE_TRY(fields::text_map(document, "annotations", max_annotations));
  return manifest;
}

Result<Index> read_index(const json& document) {
  Index index;
  index.media_type = BOXLITE_TRY(fields::text(document, "mediaType"));
  if (index.media_type.empty()) index.media_type = media_type::index;
  index.manifests = BOXLITE_TRY(read_descriptors(document, "manifests", max_index_entries));
  index.annotations = BOXLITE_TRY(fields::text_map(document, "annotations", max_annotations));
  return index;
}

json to_value(const Descriptor& descriptor) {
  json value{
      {"mediaType", descriptor.media_type}, {"digest", descriptor.digest.str()}, {"size", descriptor.size}};
  if (descriptor.platform) {
    value["platform"] = {{"os", descriptor.platform->os},
                         {"architecture", descriptor.platform->architecture}};
    if (!descriptor.platform->variant.empty()) value["platform"]["variant"] = descriptor.platform->variant;
  }
  if (!descriptor.annotations.empty()) value["annotations"] = descriptor.annotations;
  if (!descriptor.urls.empty()) value["urls"] = descriptor.urls;
  return value;
}

json to_values(const std::vector<Descriptor>& descriptors) {
  json values = json::array();
  for (const auto& descriptor : descriptors) values.push_back(to_value(descriptor));
  return values;
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A document may not be readable in two ways: what one tool verified, another would run.
Result<void> check_kind(const json& document, std::string_view claimed, bool is_index) {
  const auto own = BOXLITE_TRY(fields::text(document, "mediaType"));
  for (const std::string_view type : {std::string_view(own), claimed}) {
    if (is_index ? media_type::is_manifest(type) : media_type::is_index(type)) {
      return fail(ErrorCode::corrupted,
                  concat("parse manifest: it is called ", in_quotes(type), ", but has the fields of ",
                         is_index ? "an index" : "an image manifest"));
    }
  }
  return {};
}

}  // namespace

Result<Document> parse_document(std::string_view text, std::string_view claimed) {
  const auto document = BOXLITE_TRY(fields::parse(text, "manifest", max_document_bytes));
  if (!document.is_object()) return fail(ErrorCode::corrupted, "parse manifest: not a JSON object");
  const bool has_layers = fields::find(document, "layers") || fields::find(document, "config");
  const bool has_manifests = fields::find(document, "manifests") != nullptr;
  if (fields::find(document, "fsLayers") || claimed.starts_with(media_type::docker_manifest_v1)) {
    return fail(Error(ErrorCode::unsupported, "parse manifest: the image has the old format \"schema 1\"")
                    .with_remedy("build or push the image again with a current tool"));
  }
  if (has_layers == has_manifests) {
    return fail(ErrorCode::corrupted, has_layers
                                          ? "parse manifest: it claims to be an index and an image at once"
                                          : "parse manifest: neither an image manifest nor an index");
  }
  BOXLITE_TRY(check_kind(document, claimed, has_manifests));
  if (has_manifests) return Document(BOXLITE_TRY_CONTEXT("parse index", read_index(document)));
  return Document(BOXLITE_TRY_CONTEXT("parse manifest", read_manifest(document)));
}

Result<Manifest> parse_manifest(std::string_view text) {
  auto document = BOXLITE_TRY(parse_document(text, {}));
  if (auto* manifest = std::get_if<Manifest>(&document)) return std::move(*manifest);
  return fail(ErrorCode::corrupted, "parse manifest: it is an index");
}

Result<Index> parse_index(std::string_view text) {
  const auto document = BOXLITE_TRY(fields::parse(text, "index", max_document_bytes * 4));
  if (!document.is_object() || fields::find(document, "layers")) {
    return fail(ErrorCode::corrupted, "parse index: not an image index");
  }
  return BOXLITE_TRY_CONTEXT("parse index", read_index(document));
}

std::string to_json(const Manifest& manifest) {
  json value{{"schemaVersion", 2},
             {"mediaType", manifest.media_type},
             {"config", to_value(manifest.config)},
             {"layers", to_values(manifest.layers)}};
  if (!manifest.annotations.empty()) value["annotations"] = manifest.annotations;
  return text_of(value);
}

std::string to_json(const Index& index) {
  json value{
      {"schemaVersion", 2}, {"mediaType", index.media_type}, {"manifests", to_values(index.manifests)}};
  if (!index.annotations.empty()) value["annotations"] = index.annotations;
  return text_of(value);
}

}  // namespace boxlite::oci
