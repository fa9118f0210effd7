// SPDX-License-Identifier: Apache-2.0
#include "engine/machine_spec.h"

#include "base/concat.h"

namespace boxlite::engine {

std::string_view name(Accelerator accelerator) {
  return accelerator == Accelerator::kvm ? "kvm" : "tcg";
}

Result<Accelerator> parse_accelerator(std::string_view text) {
  if (text == "kvm") return Accelerator::kvm;
  if (text == "tcg") return Accelerator::tcg;
  return fail(ErrorCode::invalid_argument,
              concat("accelerator ", in_quotes(text), " is neither kvm nor tcg"));
}

std::string_view name(DiskFormat format) {
  switch (format) {
    case DiskFormat::raw: return "raw";
    case DiskFormat::qcow2: return "qcow2";
    case DiskFormat::blank: return "blank";
  }
  return "raw";
}

}  // namespace boxlite::engine
