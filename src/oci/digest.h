// SPDX-License-Identifier: Apache-2.0
// Content digests of the OCI image specification: "sha256:<64 hex digits>" or "sha512:<128 hex digits>".
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::oci {

enum class DigestAlgorithm { sha256, sha512 };

std::string_view name(DigestAlgorithm algorithm);

// A value that is always well formed: known algorithm, lower-case hex of the right length. Safe as a file
// name.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view bytes, DigestAlgorithm algorithm = DigestAlgorithm::sha256);

  DigestAlgorithm algorithm() const { return algorithm_; }
  const std::string& hex() const { return hex_; }
  // The first 12 hex digits, as people see ids.
  std::string short_hex() const { return hex_.substr(0, 12); }
  std::string str() const;

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  friend class Hasher;
  Digest(DigestAlgorithm algorithm, std::string hex) : algorithm_(algorithm), hex_(std::move(hex)) {}

  DigestAlgorithm algorithm_;
  std::string hex_;
};

// Hashes a stream piece by piece. Not thread-safe; after finish() only reset() is legal.
class Hasher {
 public:
  explicit Hasher(DigestAlgorithm algorithm = DigestAlgorithm::sha256);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::string_view bytes);
  Digest finish();
  void reset();

 private:
  struct Context;
  DigestAlgorithm algorithm_;
  std::unique_ptr<Context> context_;
};

}  // namespace boxlite::oci
