// SPDX-License-Identifier: Apache-2.0
#include "image/registry/puller.h"

#include <memory>
#include <mutex>

#include "base/concat.h"
#include "image/intake.h"
#include "image/registry/blob_download.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

constexpr int max_index_depth = 4;

RegistryConfig config_of(const std::string& host, const std::vector<RegistryConfig>& registries) {
  for (const auto& registry : registries) {
    if (registry.mirror_of.empty() && registry.host == host) return registry;
  }
  return RegistryConfig{.host = host};
}

void add_with_mirrors(const oci::Reference& reference, const std::vector<RegistryConfig>& registries,
                      std::vector<Candidate>& list) {
  for (const auto& registry : registries) {
    if (registry.mirror_of == reference.registry()) list.push_back({registry, reference});
  }
  list.push_back({config_of(reference.registry(), registries), reference});
}

struct Fetched {
  std::string bytes;
  oci::Digest digest;
  oci::Document document;
};

// One image of one repository.
class RepositoryPull {
 public:
  RepositoryPull(const BlobStore& store, const NetworkOptions& options, RegistrySession& session,
                 std::string repository, const ProgressCallback& progress, std::stop_token stop)
      : store_(store),
        options_(options),
        session_(session),
        repository_(std::move(repository)),
        downloads_(store, session, repository_, progress),
        stop_(std::move(stop)) {}

  Result<CatalogEntry> run(const oci::Reference& reference, const std::optional<oci::Platform>& platform) {
    const auto wanted = platform ? *platform : oci::Platform::of_host();
    auto fetched = BOXLITE_TRY(fetch_manifest(reference.version(), reference.digest(), {}));
    const auto source_digest = fetched.digest;
    for (int level = 0; level < max_index_depth; ++level) {
      if (const auto* manifest = std::get_if<oci::Manifest>(&fetched.document)) {
        const auto intake = BOXLITE_TRY(prepare(fetched.bytes, *manifest, source_digest));
        return fetch_image(intake, reference, wanted);
      }
      const auto chosen = BOXLITE_TRY(oci::choose_platform(std::get<oci::Index>(fetched.document), wanted));
      fetched = BOXLITE_TRY(fetch_manifest(chosen.digest.str(), chosen.digest, chosen.media_type));
    }
    return fail(ErrorCode::unsupported, "the image index is nested too deep");
  }

 private:
  Result<Fetched> fetch_manifest(const std::string& version, const std::optional<oci::Digest>& expected,
                                 std::string_view promised_type) {
    using namespace oci::media_type;
    HttpRequest request{
        .url = {},
        .headers = {concat("Accept: ", index, ", ", manifest, ", ", docker_index, ", ", docker_manifest)}};
    request.max_body = oci::max_document_bytes;
    request.stop = stop_;
    auto response = BOXLITE_TRY(session_.get_document(repository_, concat("manifests/", version), request));
    auto digest = BOXLITE_TRY(check_digest(response, version, expected));
    auto type = response.header("content-type");
    type.resize(std::min(type.find(';'), type.size()));
    auto document =
        BOXLITE_TRY(oci::parse_document(response.body, promised_type.empty() ? type : promised_type));
    return Fetched{std::move(response.body), std::move(digest), std::move(document)};
  }

  static Result<oci::Digest> check_digest(const HttpResponse& response, const std::string& version,
                                          const std::optional<oci::Digest>& expected) {
    auto promised = expected;
    if (!promised) {
      if (auto header = oci::Digest::parse(response.header("docker-content-digest")))
        promised = *std::move(header);
    }
    const auto algorithm = promised ? promised->algorithm() : oci::DigestAlgorithm::sha256;
    auto digest = oci::Digest::of(response.body, algorithm);
    if (promised && *promised != digest) {
      return fail(
          Error(ErrorCode::corrupted, concat("manifest ", in_quotes(version), ": expected the digest ",
                                             promised->str(), ", the bytes have ", digest.str()))
              .with_remedy(
                  "the registry or a proxy serves damaged bytes: pull again, or push the image again"));
    }
    return digest;
  }

  // The config comes first: it tells whether the layers are worth their time.
  Result<CatalogEntry> fetch_image(const Intake& intake, const oci::Reference& reference,
                                   const oci::Platform& wanted) {
    const auto blobs = BOXLITE_TRY(wanted_blobs(intake.manifest, options_.max_image_bytes));
    BOXLITE_TRY(downloads_.fetch(intake.manifest.config, stop_));
    const auto text = BOXLITE_TRY(store_.read(intake.manifest.config.digest, oci::max_document_bytes));
    const auto config = BOXLITE_TRY(oci::parse_image_config(text));
    const bool says_platform = !config.platform.architecture.empty();
    if (says_platform && !oci::distance(wanted, config.platform)) {
      return fail(Error(ErrorCode::unsupported,
                        concat("the image is for ", config.platform.str(), ", wanted is ", wanted.str()))
                      .with_remedy(oci::can_run(wanted, config.platform)
                                       ? oci::how_to_ask_for(config.platform)
                                       : "choose another image, or ask for this platform explicitly"));
    }
    BOXLITE_TRY(downloads_.fetch_all({blobs.begin() + 1, blobs.end()}, options_.parallel_downloads, stop_));
    auto entry = BOXLITE_TRY(admit(store_, intake, reference.str()));
    if (!says_platform) entry.manifest.platform = wanted;
    return entry;
  }

  const BlobStore& store_;
  const NetworkOptions& options_;
  RegistrySession& session_;
  std::string repository_;
  BlobDownload downloads_;
  std::stop_token stop_;
};

// The callback of the caller must not see two threads at once.
ProgressCallback one_at_a_time(ProgressCallback callback) {
  if (!callback) return {};
  return [callback = std::move(callback), mutex = std::make_shared<std::mutex>()](const Progress& progress) {
    const std::lock_guard guard(*mutex);
    callback(progress);
  };
}

}  // namespace

std::vector<Candidate> candidates(const oci::Reference& reference,
                                  const std::vector<RegistryConfig>& registries) {
  std::vector<Candidate> list;
  if (reference.registry_is_explicit()) {
    add_with_mirrors(reference, registries, list);
    return list;
  }
  for (const auto& registry : registries) {
    const bool is_searched =
        registry.search && registry.mirror_of.empty() && registry.host != oci::default_registry;
    if (is_searched) add_with_mirrors(reference.on_registry(registry.host), registries, list);
  }
  add_with_mirrors(reference.on_registry(oci::default_registry), registries, list);
  return list;
}

Puller::Puller(const BlobStore& store, const NetworkOptions& options, ProgressCallback progress,
               std::stop_token stop)
    : http_(options.http),
      store_(store),
      options_(options),
      progress_(one_at_a_time(std::move(progress))),
      stop_(std::move(stop)) {}

Result<CatalogEntry> Puller::pull(const Candidate& candidate, const std::optional<oci::Platform>& platform) {
  auto files = options_.credential_files.empty() ? default_credential_files() : options_.credential_files;
  RegistrySession session(http_, candidate.registry, std::move(files), options_.retry);
  RepositoryPull repository(store_, options_, session, candidate.reference.repository(), progress_, stop_);
  return repository.run(candidate.reference, platform);
}

}  // namespace boxlite::image
