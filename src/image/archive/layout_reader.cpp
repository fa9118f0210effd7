// SPDX-License-Identifier: Apache-2.0
#include "image/archive/layout_reader.h"

#include <algorithm>
#include <utility>

#include "base/concat.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

constexpr int max_nesting = 4;
// containerd and docker save put the whole name here and only the tag into ref.name.
constexpr const char* containerd_name = "io.containerd.image.name";

std::string name_of(const oci::Descriptor& descriptor) {
  for (const std::string& key : {std::string(containerd_name), std::string(oci::annotation_ref_name)}) {
    const auto found = descriptor.annotations.find(key);
    if (found != descriptor.annotations.end() && !found->second.empty()) return found->second;
  }
  return {};
}

class LayoutReader {
 public:
  LayoutReader(const BlobStore& store, BlobSource& source, const ArchiveOptions& options)
      : store_(store), source_(source), options_(options) {}

  Result<FoundImage> read(const oci::Index& alternatives, std::string name) {
    auto chosen = BOXLITE_TRY(choose(alternatives));
    const auto source_digest = chosen.digest;
    for (int level = 0; level < max_nesting; ++level) {
      const auto bytes = BOXLITE_TRY(fetch_document(chosen));
      const auto document = BOXLITE_TRY(oci::parse_document(bytes, chosen.media_type));
      if (const auto* manifest = std::get_if<oci::Manifest>(&document)) {
        return take(bytes, *manifest, source_digest, std::move(name));
      }
      chosen = BOXLITE_TRY(choose(std::get<oci::Index>(document)));
    }
    return fail(ErrorCode::unsupported, "the image index is nested too deep");
  }

 private:
  Result<oci::Descriptor> choose(const oci::Index& index) const {
    std::vector<const oci::Descriptor*> images;
    for (const auto& entry : index.manifests) {
      const bool is_image =
          oci::media_type::is_manifest(entry.media_type) || oci::media_type::is_index(entry.media_type);
      if (is_image && !(entry.platform && entry.platform->os == "unknown")) images.push_back(&entry);
    }
    if (!options_.platform && images.size() == 1) return *images.front();
    return oci::choose_platform(index, options_.platform ? *options_.platform : oci::Platform::of_host());
  }

  Result<std::string> fetch_document(const oci::Descriptor& descriptor) {
    if (descriptor.size > oci::max_document_bytes) {
      return fail(ErrorCode::corrupted, concat("manifest ", descriptor.digest.str(), ": too large"));
    }
    BOXLITE_TRY(source_.bring(descriptor.digest, descriptor.size));
    return store_.read(descriptor.digest, oci::max_document_bytes);
  }

  Result<void> bring(const oci::Descriptor& blob) {
    auto brought = source_.bring(blob.digest, blob.size);
    if (brought || brought.error().code() == ErrorCode::cancelled ||
        !oci::media_type::is_foreign(blob.media_type))
      return brought;
    return fail(std::move(brought)
                    .error()
                    .context(concat("the foreign layer ", blob.digest.str()))
                    .with_remedy(blob.urls.empty()
                                     ? "save the image with its foreign layers, or pull it"
                                     : concat("pull the image, which fetches it from ", blob.urls.front())));
  }

  Result<FoundImage> take(std::string_view bytes, const oci::Manifest& manifest,
                          const oci::Digest& source_digest, std::string name) {
    const auto intake = BOXLITE_TRY(prepare(bytes, manifest, source_digest));
    const auto blobs = BOXLITE_TRY(wanted_blobs(intake.manifest, options_.max_bytes));
    for (const auto& blob : blobs) BOXLITE_TRY(bring(blob));
    auto entry = BOXLITE_TRY(admit(store_, intake, {}));
    if (options_.platform && !oci::distance(*options_.platform, *entry.manifest.platform)) {
      return fail(ErrorCode::not_found, concat("no image for the platform ", options_.platform->str(),
                                               "; offered: ", entry.manifest.platform->str()));
    }
    FoundImage found{std::move(entry), {}};
    if (!name.empty()) found.names.push_back(std::move(name));
    return found;
  }

  const BlobStore& store_;
  BlobSource& source_;
  const ArchiveOptions& options_;
};

}  // namespace

Result<std::vector<FoundImage>> read_layout(const BlobStore& store, BlobSource& source,
                                            const oci::Index& index, const ArchiveOptions& options) {
  // Entries with the same name are one image for several platforms.
  std::vector<std::pair<std::string, oci::Index>> groups;
  for (const auto& entry : index.manifests) {
    const auto name = name_of(entry);
    auto group = std::ranges::find_if(groups, [&](const auto& candidate) { return candidate.first == name; });
    if (group == groups.end()) group = groups.insert(groups.end(), {name, oci::Index{}});
    group->second.manifests.push_back(entry);
  }
  LayoutReader reader(store, source, options);
  std::vector<FoundImage> images;
  for (auto& [name, alternatives] : groups) {
    auto image = reader.read(alternatives, name);
    if (!image) {
      const auto label =
          name.empty() ? std::string("image without a name") : concat("image ", in_quotes(name));
      return fail(std::move(image).error().context(label));
    }
    images.push_back(*std::move(image));
  }
  return images;
}

}  // namespace boxlite::image
