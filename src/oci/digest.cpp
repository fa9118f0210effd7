// SPDX-License-Identifier: Apache-2.0
#include "oci/digest.h"

#include <algorithm>

#include "base/concat.h"

namespace boxlite::oci {
namespace {

std::size_t hex_length(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::sha256 ? 64 : 128;
}

bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

std::unexpected<Error> malformed(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, concat("digest ", in_quotes(text.substr(0, 200)), ": ", why));
}

}  // namespace

std::string_view name(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::sha256 ? "sha256" : "sha512";
}

Result<Digest> Digest::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return malformed(text, "expected algorithm:hex");
  const auto prefix = text.substr(0, colon);
  const auto hex = text.substr(colon + 1);
  DigestAlgorithm algorithm;
  if (prefix == "sha256") {
    algorithm = DigestAlgorithm::sha256;
  } else if (prefix == "sha512") {
    algorithm = DigestAlgorithm::sha512;
  } else {
    return malformed(text, "the algorithm is neither sha256 nor sha512");
  }
  if (hex.size() != hex_length(algorithm)) {
    return malformed(text, concat("expected ", hex_length(algorithm), " hex digits, found ", hex.size()));
  }
  if (!std::ranges::all_of(hex, is_lower_hex)) return malformed(text, "expected lower-case hex digits");
  return Digest(algorithm, std::string(hex));
}

Digest Digest::of(std::string_view bytes, DigestAlgorithm algorithm) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

std::string Digest::str() const {
  return concat(name(algorithm_), ":", hex_);
}

}  // namespace boxlite::oci
