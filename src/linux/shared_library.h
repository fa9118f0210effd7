// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace boxlite::linux_ {

// A library that most runs of a program do not need, loaded when it is. Stays loaded: what it has started
// (threads, exit handlers) could not survive its unloading. Movable; thread-safe.
class SharedLibrary {
 public:
  // By soname ("libcurl.so.4"), found as the dynamic linker finds it. not_found with the linker's reason.
  static Result<SharedLibrary> open(const char* soname);

  // Fills a pointer to a function of the library; unsupported when that has none of this name.
  template <typename Function>
  Result<void> find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(BOXLITE_TRY(address(name)));
    return {};
  }

 private:
  explicit SharedLibrary(void* handle) : handle_(handle) {}
  Result<void*> address(const char* name) const;

  void* handle_;
};

}  // namespace boxlite::linux_
