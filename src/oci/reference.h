// SPDX-License-Identifier: Apache-2.0
// Names of images, by the grammar that Docker and the OCI distribution specification share:
//   [registry-host[:port]/]path[:tag][@digest]
// "alpine" means docker.io/library/alpine:latest.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/digest.h"

namespace boxlite::oci {

inline constexpr std::string_view default_registry = "docker.io";

// An immutable, normalised value: the registry is always set; a tag is set unless only a digest was given.
class Reference {
 public:
  static Result<Reference> parse(std::string_view text);

  // "docker.io", "localhost:5000", "[::1]:5000".
  const std::string& registry() const { return registry_; }
  // The path on that registry: "library/alpine".
  const std::string& repository() const { return repository_; }
  // Empty when only a digest was given.
  const std::string& tag() const { return tag_; }
  const std::optional<Digest>& digest() const { return digest_; }
  // False when the text named no registry, so that docker.io is only an assumption.
  bool registry_is_explicit() const { return registry_is_explicit_; }

  // The full form, unique per image: "docker.io/library/alpine:latest".
  std::string str() const;
  // The shortest text that parses to the same reference: "alpine".
  std::string familiar() const;
  // What a registry is asked for: the digest when there is one, else the tag.
  std::string version() const { return digest_ ? digest_->str() : tag_; }
  // The same image name looked up on another registry: "alpine" on "reg.corp" is "reg.corp/alpine".
  Reference on_registry(std::string_view host) const;
  // The same name with only this tag, or only this digest.
  Reference with_digest(const Digest& digest) const;

  friend bool operator==(const Reference& a, const Reference& b) { return a.str() == b.str(); }

 private:
  Reference() = default;
  void set_location(std::string_view host, std::string_view path);

  std::string registry_;
  std::string repository_;
  std::string tag_;
  std::optional<Digest> digest_;
  bool registry_is_explicit_ = false;
};

}  // namespace boxlite::oci
