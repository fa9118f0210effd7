// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "disk/layer.h"
#include "tar/byte_stream.h"

namespace boxlite::disk {

// The uncompressed bytes of one layer. A thread of its own decompresses ahead, at most a few MiB; the
// reader's thread hashes. Used by one thread; destroying it stops the other.
class LayerStream final : public tar::ByteStream {
 public:
  // `limits.uncompressed_bytes` is what this layer may still use.
  static Result<std::unique_ptr<LayerStream>> open(const LayerSource& source, const LayerLimits& limits);
  ~LayerStream() override;

  Result<std::string_view> next() override;
  // Reads what is left and compares the digest with the layer's diff id: a layer that lies is corrupted.
  Result<void> verify();

  std::uint64_t consumed_bytes() const;      // compressed, as far as the other thread has come
  std::uint64_t uncompressed_bytes() const;  // handed out by next()

 private:
  class Pump;
  LayerStream(std::unique_ptr<Pump> pump, const LayerSource& source, const LayerLimits& limits);

  std::unique_ptr<Pump> pump_;
  oci::Hasher hasher_;
  oci::Digest diff_id_;
  LayerLimits limits_;
  std::uint64_t uncompressed_bytes_ = 0;
};

}  // namespace boxlite::disk
