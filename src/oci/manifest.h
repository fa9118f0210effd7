// SPDX-License-Identifier: Apache-2.0
// The JSON documents that tie an image together, as values. Parsing takes bytes from anybody: every size,
// count and depth is bounded, and an error says which field is wrong. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"
#include "oci/platform.h"

namespace boxlite::oci {

inline constexpr std::size_t max_document_bytes = 4u << 20;
inline constexpr std::size_t max_layers = 1000;
inline constexpr std::size_t max_index_entries = 10'000;
inline constexpr std::uint64_t max_blob_bytes = 1ull << 40;

using Annotations = std::map<std::string, std::string>;
inline constexpr std::string_view annotation_ref_name = "org.opencontainers.image.ref.name";

// A typed pointer to a blob.
struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform = {};
  Annotations annotations = {};
  std::vector<std::string> urls = {};  // where else the blob is, at most 16
  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

// One image for one platform.
struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers = {};  // bottom first
  Annotations annotations = {};
};

// The same image for several platforms; also the index.json of an OCI layout.
struct Index {
  std::string media_type = {};
  std::vector<Descriptor> manifests = {};
  Annotations annotations = {};
};

using Document = std::variant<Manifest, Index>;

// What the bytes are follows from their own fields; `media_type` (of the descriptor or the HTTP header, may
// be empty) must not contradict them. A document that is both (CVE-2021-41190) or an old schema 1 manifest is
// refused.
Result<Document> parse_document(std::string_view json, std::string_view media_type);
Result<Manifest> parse_manifest(std::string_view json);
Result<Index> parse_index(std::string_view json);

// Compact JSON, the same for the same value.
std::string to_json(const Manifest& manifest);
std::string to_json(const Index& index);

// The manifest with OCI media types only, as an OCI layout needs it; unsupported when a layer is of a kind
// that we cannot read (encrypted).
Result<Manifest> as_oci(Manifest manifest);

// The entry of `index` that serves `wanted` best. Entries without a platform match anything, last. The error
// lists the platforms that are offered.
Result<Descriptor> choose_platform(const Index& index, const Platform& wanted);

}  // namespace boxlite::oci
