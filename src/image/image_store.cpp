// SPDX-License-Identifier: Apache-2.0
#include "image/image_store.h"

#include <algorithm>

#include <fcntl.h>

#include "base/concat.h"
#include "base/files.h"
#include "image/archive/archive.h"
#include "image/archive/archive_names.h"
#include "image/intake.h"
#include "image/reachable.h"

namespace boxlite::image {
namespace {

constexpr std::size_t min_prefix_digits = 4;

bool has_digest(const CatalogEntry& entry, const oci::Digest& digest) {
  return entry.config_digest == digest || entry.manifest.digest == digest || entry.source_digest == digest;
}

bool has_prefix(const CatalogEntry& entry, std::string_view hex) {
  return entry.config_digest.hex().starts_with(hex) || entry.manifest.digest.hex().starts_with(hex) ||
         entry.source_digest.hex().starts_with(hex);
}

bool is_hex_prefix(std::string_view text) {
  return text.size() >= min_prefix_digits && text.size() <= 128 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "x:1@sha256:d" and "x@sha256:d" are the image with that digest that is called x, whatever tag it came by.
bool is_named(const CatalogEntry& entry, const oci::Reference& wanted) {
  if (entry.reference == wanted.str()) return true;
  if (!wanted.digest() || entry.reference.empty()) return false;
  if (entry.source_digest != *wanted.digest() && entry.manifest.digest != *wanted.digest()) return false;
  const auto own = oci::Reference::parse(entry.reference);
  return own && own->registry() == wanted.registry() && own->repository() == wanted.repository();
}

std::vector<CatalogEntry> filter(const std::vector<CatalogEntry>& entries, auto&& predicate) {
  std::vector<CatalogEntry> result;
  std::ranges::copy_if(entries, std::back_inserter(result), predicate);
  return result;
}

bool are_one_image(const std::vector<CatalogEntry>& entries) {
  return std::ranges::all_of(
      entries, [&](const auto& entry) { return entry.config_digest == entries.front().config_digest; });
}

std::unexpected<Error> no_such_image(std::string_view text) {
  return fail(Error(ErrorCode::not_found, concat("image ", in_quotes(text), " is not in the store"))
                  .with_remedy(
                      concat("pull it (boxlite pull ", text.substr(0, 200), ") or load it from an archive")));
}

// With several places every reason counts; the code is the one they share, else the last (the most general
// place).
Error all_failed(std::vector<std::pair<std::string, Error>> failures) {
  if (failures.size() == 1) return std::move(failures.front().second);
  std::string message = "no registry has it";
  for (const auto& [host, error] : failures) message += concat("; ", in_quotes(host), ": ", error.message());
  return Error(failures.back().second.code(), std::move(message))
      .with_remedy(failures.back().second.remedy());
}

}  // namespace

ImageStore::ImageStore(BlobStore blobs, StoreOptions options)
    : blobs_(std::move(blobs)), catalog_(blobs_.root()), options_(std::move(options)) {}

Result<ImageStore> ImageStore::open(const std::filesystem::path& directory, StoreOptions options) {
  BOXLITE_TRY_CONTEXT("open image store", check(options.network.registries));
  auto blobs = BOXLITE_TRY_CONTEXT("open image store", BlobStore::open(directory));
  return ImageStore(std::move(blobs), std::move(options));
}

Result<Image> ImageStore::pull(std::string_view text, const PullOptions& options) const {
  const auto what = concat("pull image ", in_quotes(text));
  const auto reference = BOXLITE_TRY_CONTEXT(what, oci::Reference::parse(text));
  const auto places = candidates(reference, options_.network.registries);
  if (options.policy == PullPolicy::missing) {
    for (const auto& place : places) {
      auto stored = resolve(place.reference.str(), options.platform);
      if (stored || stored.error().code() != ErrorCode::not_found) return stored;
    }
  }
  return BOXLITE_TRY_CONTEXT(what, pull_from(places, options));
}

Result<Image> ImageStore::pull_from(const std::vector<Candidate>& places, const PullOptions& options) const {
  const auto lease = BOXLITE_TRY(blobs_.lease());
  Puller puller(blobs_, options_.network, options.progress, options.stop);
  std::vector<std::pair<std::string, Error>> failures;
  for (const auto& place : places) {
    const auto entry = puller.pull(place, options.platform);
    if (entry) {
      BOXLITE_TRY(catalog_.add(*entry));
      return assemble(blobs_, *entry);
    }
    const auto code = entry.error().code();
    if (code == ErrorCode::cancelled || code == ErrorCode::resource_exhausted) return fail(entry.error());
    failures.emplace_back(place.registry.host, entry.error());
  }
  return fail(all_failed(std::move(failures)));
}

Result<std::vector<Image>> ImageStore::load(const std::filesystem::path& source,
                                            const LoadOptions& options) const {
  std::error_code ignored;
  if (std::filesystem::is_directory(source, ignored)) return load_or_sweep(source, -1, options);
  const auto file = BOXLITE_TRY_CONTEXT("load image", open_file(source, O_RDONLY));
  return load_or_sweep(source, file.get(), options);
}

Result<std::vector<Image>> ImageStore::load_stream(int archive_fd, const LoadOptions& options) const {
  return load_or_sweep({}, archive_fd, options);
}

// A bad archive may have left much that belongs to no image.
Result<std::vector<Image>> ImageStore::load_or_sweep(const std::filesystem::path& source, int archive_fd,
                                                     const LoadOptions& options) const {
  auto images = load_from(source, archive_fd, options);
  if (!images) (void)sweep(false);
  return images;
}

Result<std::vector<Image>> ImageStore::load_from(const std::filesystem::path& source, int archive_fd,
                                                 const LoadOptions& options) const {
  const auto what =
      source.empty() ? std::string("load image") : concat("load image ", in_quotes(source.native()));
  const auto lease = BOXLITE_TRY_CONTEXT(what, blobs_.lease());
  const ArchiveOptions archive{.platform = options.platform,
                               .max_bytes = options_.max_archive_bytes,
                               .progress = options.progress,
                               .stop = options.stop};
  auto found = BOXLITE_TRY_CONTEXT(what, archive_fd < 0 ? read_layout_directory(blobs_, source, archive)
                                                        : read_archive(blobs_, archive_fd, archive));
  const auto entries = BOXLITE_TRY_CONTEXT(
      what, name_images(std::move(found), name_from_file(source), options.select, options.name));
  std::vector<Image> images;
  for (const auto& entry : entries) images.push_back(BOXLITE_TRY_CONTEXT(what, assemble(blobs_, entry)));
  for (const auto& entry : entries) BOXLITE_TRY_CONTEXT(what, catalog_.add(entry));
  return images;
}

Result<ImageStore::Match> ImageStore::matching(std::string_view text) const {
  const auto entries = BOXLITE_TRY(catalog_.read());
  const auto reference = oci::Reference::parse(text);
  if (reference) {
    for (const auto& place : candidates(*reference, options_.network.registries)) {
      auto named = filter(entries, [&](const auto& entry) { return is_named(entry, place.reference); });
      if (!named.empty()) return Match{std::move(named), true};
    }
  }
  if (const auto digest = oci::Digest::parse(text)) {
    auto exact = filter(entries, [&](const auto& entry) { return has_digest(entry, *digest); });
    if (exact.empty()) return no_such_image(text);
    return Match{std::move(exact)};
  }
  const auto hex = text.starts_with("sha256:") ? text.substr(7) : text;
  if (!is_hex_prefix(hex)) return reference ? no_such_image(text) : fail(reference.error());
  auto fitting = filter(entries, [&](const auto& entry) { return has_prefix(entry, hex); });
  if (fitting.empty()) return no_such_image(text);
  if (are_one_image(fitting)) return Match{std::move(fitting)};
  return fail(
      Error(ErrorCode::invalid_argument, concat("image ", in_quotes(text), ": the id fits several images"))
          .with_remedy("give more digits"));
}

Result<Image> ImageStore::resolve(std::string_view text, const std::optional<oci::Platform>& platform) const {
  const auto entries = BOXLITE_TRY(matching(text)).entries;
  const auto wanted = platform ? *platform : oci::Platform::of_host();
  const CatalogEntry* best = nullptr;
  int best_distance = 0;
  std::vector<std::string> offered;
  auto remedy = concat("pull it for ", wanted.str());
  for (const auto& entry : entries) {
    const auto rank = oci::distance(wanted, *entry.manifest.platform);
    offered.push_back(entry.manifest.platform->str());
    if (!rank && oci::can_run(wanted, *entry.manifest.platform))
      remedy = oci::how_to_ask_for(*entry.manifest.platform);
    if (!rank || (best && *rank >= best_distance)) continue;
    best = &entry;
    best_distance = *rank;
  }
  if (!best && !platform && are_one_image(entries)) best = &entries.front();
  if (!best) {
    return fail(Error(ErrorCode::not_found,
                      concat("image ", in_quotes(text), " is not in the store for the platform ",
                             wanted.str(), "; there is: ", join(offered, ", ")))
                    .with_remedy(std::move(remedy)));
  }
  return BOXLITE_TRY_CONTEXT(concat("image ", in_quotes(text)), assemble(blobs_, *best));
}

Result<std::vector<Image>> ImageStore::list() const {
  auto entries = BOXLITE_TRY_CONTEXT("list images", catalog_.read());
  std::ranges::sort(entries, [](const CatalogEntry& a, const CatalogEntry& b) {
    return a.pulled_at != b.pulled_at ? a.pulled_at > b.pulled_at : a.reference < b.reference;
  });
  std::vector<Image> images;
  for (const auto& entry : entries) {
    auto image = assemble(blobs_, entry);
    // Removed by another process since the catalog was read.
    if (!image && image.error().code() == ErrorCode::not_found) continue;
    images.push_back(
        BOXLITE_TRY_CONTEXT(concat("list images: ", in_quotes(entry.reference)), std::move(image)));
  }
  return images;
}

Result<RemoveReport> ImageStore::remove(std::string_view text, bool force) const {
  const auto what = concat("remove image ", in_quotes(text));
  const auto match = BOXLITE_TRY_CONTEXT(what, matching(text));
  const auto& targets = match.entries;
  if (!match.is_by_name && targets.size() > 1 && !force) {
    std::vector<std::string> names;
    for (const auto& target : targets) names.push_back(target.reference);
    return fail(Error(ErrorCode::invalid_state, concat(what, ": it has several names: ", join(names, ", ")))
                    .with_remedy("remove it by name, or force the removal of all names"));
  }
  return BOXLITE_TRY_CONTEXT(what, remove_entries([&](const CatalogEntry& entry) {
                               return std::ranges::any_of(targets, [&](const CatalogEntry& target) {
                                 return entry.reference == target.reference &&
                                        entry.manifest.digest == target.manifest.digest;
                               });
                             }));
}

Result<RemoveReport> ImageStore::prune(const PruneOptions& options) const {
  const auto is_gone = [&](const CatalogEntry& entry) {
    const bool is_kept =
        std::ranges::any_of(options.keep, [&](const auto& digest) { return has_digest(entry, digest); });
    return !is_kept && (options.all || entry.reference.empty());
  };
  if (!options.dry_run) return BOXLITE_TRY_CONTEXT("prune images", remove_entries(is_gone));
  RemoveReport report;
  const auto entries = BOXLITE_TRY_CONTEXT("prune images", catalog_.read());
  std::vector<oci::Descriptor> staying;
  for (const auto& entry : entries) {
    if (!is_gone(entry)) {
      staying.push_back(entry.manifest);
      continue;
    }
    if (!entry.reference.empty()) report.untagged.push_back(entry.reference);
    report.deleted.push_back(entry.manifest.digest);
  }
  const auto swept = blobs_.sweep([&] { return reachable(blobs_, staying); }, true);
  if (swept) report.freed_bytes = swept->bytes;
  report.is_sweep_postponed = !swept.has_value();
  return report;
}

Result<RemoveReport> ImageStore::remove_entries(
    const std::function<bool(const CatalogEntry&)>& is_gone) const {
  const auto gone = BOXLITE_TRY(catalog_.remove(is_gone));
  const auto left = BOXLITE_TRY(catalog_.read());
  RemoveReport report;
  for (const auto& entry : gone) {
    if (!entry.reference.empty()) report.untagged.push_back(entry.reference);
    const bool is_left = std::ranges::any_of(
        left, [&](const auto& other) { return other.manifest.digest == entry.manifest.digest; });
    if (!is_left && std::ranges::find(report.deleted, entry.manifest.digest) == report.deleted.end())
      report.deleted.push_back(entry.manifest.digest);
  }
  const auto swept = sweep(false);
  if (swept) {
    report.freed_bytes = swept->bytes;
  } else if (swept.error().code() == ErrorCode::unavailable) {
    report.is_sweep_postponed = true;
  } else {
    return fail(swept.error());
  }
  return report;
}

Result<SweepReport> ImageStore::sweep(bool dry_run) const {
  return blobs_.sweep(
      [this]() -> Result<std::set<oci::Digest>> {
        const auto roots = BOXLITE_TRY(catalog_.read_roots());
        return reachable(blobs_, roots);
      },
      dry_run);
}

}  // namespace boxlite::image
