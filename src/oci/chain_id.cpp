// SPDX-License-Identifier: Apache-2.0
#include "oci/chain_id.h"

#include "base/concat.h"

namespace boxlite::oci {

Digest chain_id(std::span<const Digest> diff_ids) {
  Digest chain = diff_ids.front();
  for (const auto& diff_id : diff_ids.subspan(1)) chain = Digest::of(concat(chain.str(), " ", diff_id.str()));
  return chain;
}

}  // namespace boxlite::oci
