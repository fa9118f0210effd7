// SPDX-License-Identifier: Apache-2.0
#include "image/archive/archive.h"

#include "base/concat.h"
#include "image/archive/layout_reader.h"
#include "image/archive/tar_contents.h"
#include "oci/docker_archive.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

class TarSource : public BlobSource {
 public:
  TarSource(const BlobStore& store, const TarContents& contents) : store_(store), contents_(contents) {}

  // The pass over the archive has stored everything already.
  Result<void> bring(const oci::Digest& digest, std::uint64_t size) override {
    const auto blob =
        BOXLITE_TRY(contents_.blob(concat("blobs/", oci::name(digest.algorithm()), "/", digest.hex())));
    if (blob.size != size || blob.digest != digest) {
      return fail(ErrorCode::corrupted, concat("blob ", digest.str(), ": ", blob.size,
                                               " bytes in the archive, ", size, " in its manifest"));
    }
    const bool is_there = BOXLITE_TRY(store_.contains(digest, size));
    if (!is_there)
      return fail(ErrorCode::corrupted, concat("blob ", digest.str(), ": vanished from the store"));
    return {};
  }

 private:
  const BlobStore& store_;
  const TarContents& contents_;
};

// `docker save` has no OCI manifest: we write the one it would have.
Result<FoundImage> take_docker_image(const BlobStore& store, const TarContents& contents,
                                     const oci::DockerArchiveImage& image, const ArchiveOptions& options) {
  const auto config_blob = BOXLITE_TRY(contents.blob(image.config_path));
  const auto config_text = BOXLITE_TRY(store.read(config_blob.digest, oci::max_document_bytes));
  const auto config = BOXLITE_TRY(oci::parse_image_config(config_text));
  oci::Manifest manifest{.media_type = std::string(oci::media_type::manifest),
                         .config = {.media_type = std::string(oci::media_type::config),
                                    .digest = config_blob.digest,
                                    .size = config_blob.size}};
  for (std::size_t i = 0; i < image.layer_paths.size(); ++i) {
    const auto layer = BOXLITE_TRY(contents.blob(image.layer_paths[i]));
    const bool is_plain = layer.media_type == oci::media_type::layer_tar;
    const bool is_sha256 =
        i < config.diff_ids.size() && config.diff_ids[i].algorithm() == oci::DigestAlgorithm::sha256;
    if (is_plain && is_sha256 && layer.digest != config.diff_ids[i]) {
      return fail(ErrorCode::corrupted,
                  concat("layer ", in_quotes(image.layer_paths[i]), ": its digest is ", layer.digest.str(),
                         ", the config says ", config.diff_ids[i].str()));
    }
    manifest.layers.push_back({.media_type = layer.media_type, .digest = layer.digest, .size = layer.size});
  }
  if (options.platform && !oci::distance(*options.platform, config.platform)) {
    return fail(ErrorCode::not_found, concat("no image for the platform ", options.platform->str(),
                                             "; offered: ", config.platform.str()));
  }
  const auto bytes = oci::to_json(manifest);
  const auto intake = BOXLITE_TRY(prepare(bytes, manifest, oci::Digest::of(bytes)));
  return FoundImage{BOXLITE_TRY(admit(store, intake, {})), image.repo_tags};
}

Result<std::vector<FoundImage>> read_docker_archive(const BlobStore& store, const TarContents& contents,
                                                    std::string_view manifest_text,
                                                    const ArchiveOptions& options) {
  const auto images = BOXLITE_TRY(oci::parse_docker_archive_manifest(manifest_text));
  std::vector<FoundImage> result;
  for (const auto& image : images) {
    auto found = take_docker_image(store, contents, image, options);
    if (!found) {
      const auto& name = image.repo_tags.empty() ? image.config_path : image.repo_tags.front();
      return fail(std::move(found).error().context(concat("image ", in_quotes(name))));
    }
    result.push_back(*std::move(found));
  }
  return result;
}

}  // namespace

Result<std::vector<FoundImage>> read_archive(const BlobStore& store, int archive_fd,
                                             const ArchiveOptions& options) {
  const auto contents = BOXLITE_TRY(TarContents::read(store, archive_fd, options));
  // Newer `docker save` writes both forms; the OCI one knows more (platforms, digests).
  if (const auto text = contents.document("index.json"); text && contents.document("oci-layout")) {
    const auto index = BOXLITE_TRY(oci::parse_index(*text));
    TarSource source(store, contents);
    return read_layout(store, source, index, options);
  }
  if (const auto text = contents.document("manifest.json"))
    return read_docker_archive(store, contents, *text, options);
  return fail(Error(ErrorCode::invalid_argument,
                    "the archive holds neither an OCI layout nor a docker save manifest.json")
                  .with_remedy("make it with docker save, podman save, or skopeo copy ... oci-archive:FILE"));
}

}  // namespace boxlite::image
