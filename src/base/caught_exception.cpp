// SPDX-License-Identifier: Apache-2.0
#include "base/caught_exception.h"

#include <exception>
#include <new>

#include "base/concat.h"

namespace boxlite {

Error caught_exception(std::string_view what) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::resource_exhausted, concat(what, ": out of memory")};
  } catch (const std::exception& exception) {
    return {ErrorCode::internal, concat(what, ": exception: ", exception.what())};
  } catch (...) {
    return {ErrorCode::internal, concat(what, ": exception of an unknown type")};
  }
}

}  // namespace boxlite
