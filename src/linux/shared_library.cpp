// SPDX-License-Identifier: Apache-2.0
#include "linux/shared_library.h"

#include <dlfcn.h>

#include "base/concat.h"

namespace boxlite::linux_ {

Result<SharedLibrary> SharedLibrary::open(const char* soname) {
  void* const handle = ::dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return SharedLibrary(handle);
  const char* const why = ::dlerror();
  return fail(ErrorCode::not_found, concat("load library: ", why ? why : soname));
}

Result<void*> SharedLibrary::address(const char* name) const {
  void* const symbol = ::dlsym(handle_, name);
  if (symbol != nullptr) return symbol;
  return fail(ErrorCode::unsupported, concat("load library: it has no function ", name));
}

}  // namespace boxlite::linux_
