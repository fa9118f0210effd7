// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>

#include "base/concat.h"
#include "net/inspection/tls/openssl_types.h"

namespace boxlite::net {

Error openssl_error(ErrorCode code, std::string_view what) {
  // The first is the cause; what follows are the callers' views of it.
  const auto number = ERR_get_error();
  ERR_clear_error();
  if (number == 0) return Error(code, concat(what, ": no reason was given"));
  const char* reason = ERR_reason_error_string(number);
  return Error(code, concat(what, ": ", reason ? reason : "unknown reason"));
}

}  // namespace boxlite::net
