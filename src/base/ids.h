// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace boxlite {

// 12 random characters of [0-9A-Za-z]: the form of a box id (71 bits; a collision in one home is as likely as
// a disk error). Aborts when the kernel gives no randomness: nothing safe can be done without.
std::string new_id();

// `count` bytes from the kernel's generator.
std::string random_bytes(std::size_t count);

}  // namespace boxlite
