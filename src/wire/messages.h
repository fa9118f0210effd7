// SPDX-License-Identifier: Apache-2.0
// The messages of api/guest.proto as wire::msg::HelloRequest and so on.
#pragma once

#include <guest.pb.h>

namespace boxlite::wire {
namespace msg = ::boxlite::guest::v1;
}  // namespace boxlite::wire
