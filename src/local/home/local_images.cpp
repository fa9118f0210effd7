// SPDX-License-Identifier: Apache-2.0
#include "local/home/local_images.h"

#include <algorithm>

#include "base/concat.h"
#include "base/reserve.h"
#include "box/spec/spec_json.h"
#include "disk/rootfs_export.h"
#include "journal/counters.h"
#include "journal/event_log.h"
#include "linux/files/file_lock.h"
#include "local/home/image_facts.h"
#include "local/home/occupied_space.h"
#include "local/home/registries.h"
#include "oci/reference.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view bundled_image = "docker.io/boxlite/base:latest";
// The bundled image is small; a process that is loading it is done soon.
constexpr std::chrono::milliseconds bundled_limit = 60s;

Result<std::optional<oci::Platform>> parse_platform(std::string_view text) {
  if (text.empty()) return std::optional<oci::Platform>();
  return std::optional(BOXLITE_TRY(oci::Platform::parse(text)));
}

image::ProgressCallback told_as(std::string_view stage, const ProgressCallback& progress) {
  if (!progress) return {};
  return [stage = std::string(stage), progress](const image::Progress& step) {
    progress({.stage = stage, .detail = step.item, .done = step.done, .total = step.total});
  };
}

bool is_bundled(std::string_view name) {
  const auto reference = oci::Reference::parse(name);
  return reference && reference->str() == bundled_image;
}

std::vector<ImageInfo> all_facts(const std::vector<image::Image>& images) {
  std::vector<ImageInfo> facts;
  for (const auto& image : images) facts.push_back(image_facts(image));
  return facts;
}

// A load takes whatever an archive holds; running it needs a machine of its kind.
Result<void> check_runs_here(const image::Image& image) {
  const auto host = oci::Platform::of_host();
  if (oci::can_run(host, image.platform)) return {};
  return fail(Error(ErrorCode::unsupported, concat("run image ", in_quotes(image.reference), ": it is for ",
                                                   image.platform.str(), ", boxes here are ", host.str()))
                  .with_remedy("pull or load it for this host: --platform"));
}

Result<image::LoadOptions> store_options(const LoadOptions& options, const box::Call& call) {
  image::LoadOptions out;
  out.name = options.name;
  out.platform = BOXLITE_TRY(parse_platform(options.platform));
  out.progress = told_as("load", call.progress());
  out.stop = call.stop();
  return out;
}

}  // namespace

Result<std::unique_ptr<LocalImages>> LocalImages::open(const Home& home, const Installation& installation,
                                                       store::BoxTable& boxes,
                                                       const std::vector<RegistryOptions>& registries,
                                                       linux_::EventLoop& loop) {
  image::StoreOptions options;
  options.network.registries = BOXLITE_TRY(registry_configs(registries));
  auto store = BOXLITE_TRY(image::ImageStore::open(home.images(), std::move(options)));
  return std::unique_ptr<LocalImages>(new LocalImages(home, installation, boxes, std::move(store), loop));
}

LocalImages::LocalImages(Home home, Installation installation, store::BoxTable& boxes,
                         image::ImageStore store, linux_::EventLoop& loop)
    : home_(std::move(home)),
      installation_(std::move(installation)),
      boxes_(boxes),
      loop_(loop),
      store_(std::move(store)),
      disks_(home_, store_) {}

Result<image::Image> LocalImages::resolve(std::string_view name, std::string_view platform) {
  const auto wanted = BOXLITE_TRY(parse_platform(platform));
  auto found = store_.resolve(name, wanted);
  if (found || found.error().code() != ErrorCode::not_found || !is_bundled(name)) return found;
  BOXLITE_TRY_CONTEXT("load the bundled image", load_bundled(name));
  return store_.resolve(name, wanted);
}

Result<void> LocalImages::load_bundled(std::string_view name) {
  const auto lock = BOXLITE_TRY(linux_::FileLock::acquire(
      home_.bundled_image_lock(), linux_::LockMode::exclusive, Deadline::after(bundled_limit)));
  // The process that held the lock has loaded it.
  if (store_.resolve(name, {})) return {};
  image::LoadOptions options;
  options.name = bundled_image;
  const auto archive = BOXLITE_TRY(installation_.base_image());
  BOXLITE_TRY(store_.load(archive, options));
  return {};
}

Result<image::Image> LocalImages::pull_image(std::string_view reference, std::string_view platform,
                                             const box::Call& call) {
  if (is_bundled(reference)) return resolve(reference, platform);
  image::PullOptions options;
  options.platform = BOXLITE_TRY(parse_platform(platform));
  options.progress = told_as("pull", call.progress());
  options.stop = call.stop();
  auto stored = store_.pull(reference, options);
  if (!stored) return fail(call.explain(std::move(stored).error()));
  auto pulled = *std::move(stored);
  announce(journal::event_type::image_pull, pulled);
  (void)journal::Counters(home_.directory / journal::counters_file_name).add(journal::Counter::images_pulled);
  return pulled;
}

void LocalImages::announce(std::string_view type, const image::Image& image) const {
  (void)journal::EventLog(home_.directory)
      .append({.time = {},
               .type = std::string(type),
               .box_id = {},
               .box_name = {},
               .attributes = {{"image", image.reference}, {"digest", image.manifest_digest.str()}}});
}

Result<image::Image> LocalImages::require(std::string_view reference, std::string_view platform,
                                          const box::Call& call) {
  auto found = resolve(reference, platform);
  if (!found && found.error().code() == ErrorCode::not_found) {
    found = pull_image(reference, platform, call);
  }
  if (found) BOXLITE_TRY(check_runs_here(*found));
  return found;
}

Result<void> LocalImages::require_stored(std::string_view reference, std::string_view platform) {
  BOXLITE_TRY(resolve(reference, platform));
  return {};
}

Result<ImageInfo> LocalImages::pull(std::string_view reference, const PullOptions& options,
                                    const CallOptions& call) {
  const box::Call limits(loop_, call);
  return image_facts(BOXLITE_TRY(pull_image(reference, options.platform, limits)));
}

Result<std::vector<ImageInfo>> LocalImages::load(const std::filesystem::path& archive,
                                                 const LoadOptions& options, const CallOptions& call) {
  const box::Call limits(loop_, call);
  return loaded(store_.load(archive, BOXLITE_TRY(store_options(options, limits))), limits);
}

Result<std::vector<ImageInfo>> LocalImages::load(int archive_fd, const LoadOptions& options,
                                                 const CallOptions& call) {
  const box::Call limits(loop_, call);
  return loaded(store_.load_stream(archive_fd, BOXLITE_TRY(store_options(options, limits))), limits);
}

Result<std::vector<ImageInfo>> LocalImages::loaded(Result<std::vector<image::Image>> images,
                                                   const box::Call& call) const {
  if (!images) return fail(call.explain(std::move(images).error()));
  for (const auto& image : *images) announce(journal::event_type::image_load, image);
  return all_facts(*images);
}

Result<ImageInfo> LocalImages::get(std::string_view name) {
  return image_facts(BOXLITE_TRY(resolve(name, {})));
}

Result<std::vector<ImageInfo>> LocalImages::list() {
  return all_facts(BOXLITE_TRY(store_.list()));
}

// A box that was never started knows its image only by name: what it would be made from counts as used.
Result<std::set<oci::Digest>> LocalImages::used_by_boxes() {
  std::set<oci::Digest> used;
  for (const auto& record : BOXLITE_TRY(boxes_.list())) {
    if (auto digest = oci::Digest::parse(record.image_digest)) {
      used.insert(*std::move(digest));
    } else if (const auto spec = box::parse_box_spec(record.spec)) {
      const auto platform = BOXLITE_TRY(parse_platform(spec->platform));
      if (auto image = store_.resolve(spec->image, platform)) used.insert(image->manifest_digest);
    }
  }
  return used;
}

Result<PruneReport> LocalImages::remove(std::string_view name, const RemoveImageOptions& options) {
  const auto image = BOXLITE_TRY(resolve(name, {}));
  const auto used = BOXLITE_TRY(used_by_boxes());
  if (!options.force && used.contains(image.manifest_digest)) {
    return fail(Error(ErrorCode::invalid_state, concat("remove image ", in_quotes(name), ": a box uses it"))
                    .with_remedy("remove the box first, or force the removal: the box keeps its disk"));
  }
  const auto removed =
      BOXLITE_TRY(with_reserve(home_.directory, [&] { return store_.remove(name, options.force); }));
  announce(journal::event_type::image_remove, image);
  PruneReport report;
  report.removed = removed.untagged;
  for (const auto& digest : removed.deleted) report.removed.push_back(digest.str());
  report.freed_bytes = removed.freed_bytes;
  BOXLITE_TRY(prune_disks({}, report));
  return report;
}

Result<PruneReport> LocalImages::prune(const PruneOptions& options) {
  image::PruneOptions wanted;
  wanted.all = options.all;
  wanted.dry_run = options.dry_run;
  wanted.keep = BOXLITE_TRY(used_by_boxes());
  const auto removed = BOXLITE_TRY(with_reserve(home_.directory, [&] { return store_.prune(wanted); }));
  PruneReport report;
  report.removed = removed.untagged;
  for (const auto& digest : removed.deleted) report.removed.push_back(digest.str());
  report.freed_bytes = removed.freed_bytes;
  BOXLITE_TRY(prune_disks(options, report));
  return report;
}

// The disks of stored images stay: they would only be made again.
Result<void> LocalImages::prune_disks(const PruneOptions& options, PruneReport& report) {
  const auto needed = [this]() -> Result<DiskShelf::Needed> {
    DiskShelf::Needed keep;
    for (auto& key : BOXLITE_TRY(boxes_.disk_bases())) keep.keys.insert(std::move(key));
    for (const auto& image : BOXLITE_TRY(store_.list())) keep.chain_ids.insert(image.chain_id());
    return keep;
  };
  auto pruned = BOXLITE_TRY(disks_.prune(needed, options.dry_run));
  for (auto& file : pruned.removed) report.removed.push_back(std::move(file));
  report.freed_bytes += pruned.freed_bytes;
  return {};
}

Result<void> LocalImages::add_usage(SpaceUse& blobs, SpaceUse& disks) {
  image::PruneOptions everything;
  everything.all = true;
  everything.dry_run = true;
  everything.keep = BOXLITE_TRY(used_by_boxes());
  std::set<oci::Digest> used_chains;
  for (const auto& image : BOXLITE_TRY(store_.list())) {
    ++blobs.count;
    if (!everything.keep.contains(image.manifest_digest)) continue;
    ++blobs.active;
    used_chains.insert(image.chain_id());
  }
  blobs.bytes = occupied_bytes_below(home_.images());
  blobs.reclaimable_bytes = std::min(blobs.bytes, BOXLITE_TRY(store_.prune(everything)).freed_bytes);
  std::set<std::string> used_disks;
  for (auto& key : BOXLITE_TRY(boxes_.disk_bases())) used_disks.insert(std::move(key));
  for (const auto& disk : BOXLITE_TRY(disks_.list())) {
    ++disks.count;
    disks.bytes += disk.bytes;
    if (used_disks.contains(disk.key))
      ++disks.active;
    else if (!disk.is_current || !used_chains.contains(disk.chain_id))
      disks.reclaimable_bytes += disk.bytes;
  }
  return {};
}

Result<void> LocalImages::export_rootfs(std::string_view name, const std::filesystem::path& directory,
                                        const CallOptions& call) {
  const auto image = BOXLITE_TRY(resolve(name, {}));
  const auto lease = BOXLITE_TRY(store_.lease());
  disk::ExportOptions options;
  options.limits = BOXLITE_TRY(disk::LayerLimits::from_environment());
  const box::Call limits(loop_, call);
  options.stop = limits.stop();
  const auto exported = disk::export_rootfs(layer_sources(image, store_), directory, options);
  if (!exported)
    return fail(limits.explain(Error(exported.error())).context(concat("export image ", in_quotes(name))));
  return {};
}

}  // namespace boxlite::local
