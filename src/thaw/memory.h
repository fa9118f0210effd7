// SPDX-License-Identifier: Apache-2.0
// The memory of the frozen process in the place of our own.
#pragma once

#include "freeze/process_image.h"

namespace boxlite::thaw {

// The image, from freeze::image_fd, at an address of ours.
const freeze::ImageHeader& map_image(freeze::ImageTables& tables);
void unmap_image(const freeze::ImageHeader& header);

// Forgets all that is not this program. Only the kernel's own pages are kept, out of the way.
void clear_memory(const freeze::ImageHeader& header);
// Maps what the process had, and the kernel's pages where it knows them.
void map_memory(const freeze::ImageHeader& header, const freeze::ImageTables& tables);
// What the kernel knows of the program: where its parts lie (PR_SET_MM_MAP), its name, its timer slack.
void set_layout(const freeze::ImageHeader& header);

}  // namespace boxlite::thaw
