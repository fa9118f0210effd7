// SPDX-License-Identifier: Apache-2.0
#include "disk/layer.h"

#include <charconv>
#include <cstdlib>

#include "base/concat.h"

namespace boxlite::disk {

Result<LayerLimits> LayerLimits::from_environment() {
  LayerLimits limits;
  const char* text = std::getenv("BOXLITE_MAX_LAYER_DECOMPRESSED_SIZE");
  if (text == nullptr || *text == '\0') return limits;
  const std::string_view value = text;
  const auto [end, problem] =
      std::from_chars(value.data(), value.data() + value.size(), limits.uncompressed_bytes);
  if (problem != std::errc() || end != value.data() + value.size() || limits.uncompressed_bytes == 0) {
    return fail(ErrorCode::invalid_argument, concat("read BOXLITE_MAX_LAYER_DECOMPRESSED_SIZE: ",
                                                    in_quotes(value), " is not a positive number of bytes"));
  }
  return limits;
}

std::string_view name(BuildStage stage) {
  switch (stage) {
    case BuildStage::waiting: return "waiting";
    case BuildStage::layers: return "layers";
    case BuildStage::metadata: return "metadata";
    case BuildStage::sync: return "sync";
  }
  return "unknown";
}

}  // namespace boxlite::disk
