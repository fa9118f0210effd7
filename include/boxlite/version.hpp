// SPDX-License-Identifier: Apache-2.0
// Of these headers; version() tells that of the library, which is another one when a newer patch was
// installed. Until 1.0 a minor version may change the interface, and has a library name (soname) of its own.
#pragma once

#define BOXLITE_VERSION_MAJOR 0
#define BOXLITE_VERSION_MINOR 1
#define BOXLITE_VERSION_PATCH 0
