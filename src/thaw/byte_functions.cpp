// SPDX-License-Identifier: Apache-2.0
// What compilers call where there is no C library, for a loop or a large initialization. In assembly, lest
// they see a loop here, too.
#include <cstddef>

extern "C" {

void* memset(void* target, int value, std::size_t bytes) {
  void* at = target;
  asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
  return target;
}

void* memcpy(void* target, const void* source, std::size_t bytes) {
  void* at = target;
  asm volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(bytes) : : "memory");
  return target;
}
}
