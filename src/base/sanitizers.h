// SPDX-License-Identifier: Apache-2.0
// Which sanitizer this is compiled with: GCC tells by macros of its own, clang 19 only if asked.
#pragma once

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define BOXLITE_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define BOXLITE_THREAD_SANITIZER
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#define BOXLITE_ADDRESS_SANITIZER
#endif
#ifdef __SANITIZE_THREAD__
#define BOXLITE_THREAD_SANITIZER
#endif
