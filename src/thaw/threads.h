// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "freeze/process_image.h"

namespace boxlite::thaw {

// Notes what each thread needs to become what it was: the image is about to go.
void prepare_threads(const freeze::ImageHeader& header, const freeze::Thread* threads);
// Makes all threads but the first, which go on at once.
void wake_others(const freeze::ImageHeader& header, const freeze::Thread* threads);
// The calling thread becomes the first one for the kernel; then it goes on as it.
void become_first_thread(const freeze::Thread& thread);
[[noreturn]] void wake_first();

}  // namespace boxlite::thaw
