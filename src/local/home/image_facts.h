// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/images.hpp>

#include "image/image.h"

namespace boxlite::local {

// A stored image as users see it.
ImageInfo image_facts(const image::Image& image);

}  // namespace boxlite::local
