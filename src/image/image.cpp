// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include "oci/chain_id.h"

namespace boxlite::image {

oci::Digest Image::chain_id() const {
  return oci::chain_id(config.diff_ids);
}

}  // namespace boxlite::image
