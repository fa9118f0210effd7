// SPDX-License-Identifier: Apache-2.0
#include "image/catalog.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/concat.h"
#include "base/files.h"
#include "linux/files/file_lock.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

constexpr std::string_view pulled_at_key = "ai.boxlite.pulled-at";
constexpr std::string_view config_digest_key = "ai.boxlite.config-digest";
constexpr std::string_view source_digest_key = "ai.boxlite.source-digest";

std::string annotation(const oci::Descriptor& descriptor, std::string_view key) {
  const auto found = descriptor.annotations.find(std::string(key));
  return found == descriptor.annotations.end() ? std::string() : found->second;
}

std::optional<CatalogEntry> to_entry(const oci::Descriptor& descriptor) {
  auto config = oci::Digest::parse(annotation(descriptor, config_digest_key));
  if (!config || !descriptor.platform || !oci::media_type::is_manifest(descriptor.media_type))
    return std::nullopt;
  const auto source = oci::Digest::parse(annotation(descriptor, source_digest_key));
  const auto pulled_at = parse_rfc3339(annotation(descriptor, pulled_at_key));
  return CatalogEntry{.reference = annotation(descriptor, oci::annotation_ref_name),
                      .manifest = descriptor,
                      .config_digest = *std::move(config),
                      .source_digest = source ? *source : descriptor.digest,
                      .pulled_at = pulled_at ? *pulled_at : Timestamp{}};
}

oci::Descriptor to_descriptor(const CatalogEntry& entry) {
  oci::Descriptor descriptor = entry.manifest;
  descriptor.annotations = {{std::string(pulled_at_key), to_rfc3339(entry.pulled_at)},
                            {std::string(config_digest_key), entry.config_digest.str()},
                            {std::string(source_digest_key), entry.source_digest.str()}};
  if (!entry.reference.empty()) descriptor.annotations.emplace(oci::annotation_ref_name, entry.reference);
  return descriptor;
}

// An entry without a name is one image; two of the same manifest say nothing new.
void drop_needless_unnamed(oci::Index& index) {
  auto& list = index.manifests;
  for (std::size_t i = 0; i < list.size();) {
    const bool is_unnamed = annotation(list[i], oci::annotation_ref_name).empty();
    const auto is_same = [&](const oci::Descriptor& other) {
      return &other != &list[i] && other.digest == list[i].digest;
    };
    if (is_unnamed && std::ranges::any_of(list, is_same)) {
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

}  // namespace

Result<oci::Index> Catalog::load() const {
  const auto path = root_ / "index.json";
  auto text = read_file(path);
  if (!text && text.error().os_error() == ENOENT)
    return oci::Index{.media_type = std::string(oci::media_type::index)};
  if (!text) return fail(std::move(text).error().context("read the image catalog"));
  auto index = oci::parse_index(*text);
  if (!index) {
    return fail(std::move(index)
                    .error()
                    .context(concat("read the image catalog ", in_quotes(path.native())))
                    .with_remedy("move the file away, then pull or load the images again"));
  }
  return index;
}

Result<void> Catalog::change(const std::function<void(oci::Index&)>& edit) const {
  const auto lock = BOXLITE_TRY_CONTEXT("change the image catalog",
                                        linux_::FileLock::acquire(root_ / "lock", linux_::LockMode::exclusive,
                                                                  Deadline::after(std::chrono::seconds(30))));
  auto index = BOXLITE_TRY(load());
  edit(index);
  return write_file_atomic(root_ / "index.json", oci::to_json(index), 0644);
}

Result<std::vector<CatalogEntry>> Catalog::read() const {
  const auto index = BOXLITE_TRY(load());
  std::vector<CatalogEntry> entries;
  for (const auto& descriptor : index.manifests) {
    if (auto entry = to_entry(descriptor)) entries.push_back(*std::move(entry));
  }
  return entries;
}

Result<std::vector<oci::Descriptor>> Catalog::read_roots() const {
  auto index = BOXLITE_TRY(load());
  return std::move(index.manifests);
}

Result<void> Catalog::add(const CatalogEntry& entry) const {
  return change([&](oci::Index& index) {
    std::erase_if(index.manifests, [&](const oci::Descriptor& old) {
      return old.digest == entry.manifest.digest &&
             annotation(old, oci::annotation_ref_name) == entry.reference;
    });
    for (auto& old : index.manifests) {
      const bool has_name =
          !entry.reference.empty() && annotation(old, oci::annotation_ref_name) == entry.reference;
      if (has_name && old.platform == entry.manifest.platform) {
        old.annotations.erase(std::string(oci::annotation_ref_name));
      }
    }
    index.manifests.push_back(to_descriptor(entry));
    drop_needless_unnamed(index);
  });
}

Result<std::vector<CatalogEntry>> Catalog::remove(
    const std::function<bool(const CatalogEntry&)>& is_gone) const {
  std::vector<CatalogEntry> gone;
  BOXLITE_TRY(change([&](oci::Index& index) {
    std::erase_if(index.manifests, [&](const oci::Descriptor& descriptor) {
      auto entry = to_entry(descriptor);
      if (!entry || !is_gone(*entry)) return false;
      gone.push_back(*std::move(entry));
      return true;
    });
  }));
  return gone;
}

}  // namespace boxlite::image
