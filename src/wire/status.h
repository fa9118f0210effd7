// SPDX-License-Identifier: Apache-2.0
// Errors across the wire: google.rpc.Code and our ErrorCode.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "wire/messages.h"

namespace boxlite::wire {

// One code each, never 0; to_error_code(to_status_code(x)) == x.
std::int32_t to_status_code(ErrorCode code);
// Codes of no ErrorCode's own map to the nearest; unknown numbers to internal.
ErrorCode to_error_code(std::int32_t status_code);

msg::Status to_status(const Error& error);
// `status` must not be a success.
Error to_error(const msg::Status& status);

}  // namespace boxlite::wire
