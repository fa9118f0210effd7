// SPDX-License-Identifier: Apache-2.0
#include "box/life/status.h"

#include "model/enum_names.h"

namespace boxlite::box {

bool may_remove(BoxStatus status) {
  return status == BoxStatus::configured || status == BoxStatus::stopped || status == BoxStatus::failed;
}

BoxStatus parse_status(std::string_view text) {
  return model::parse<BoxStatus>(text).value_or(BoxStatus::stopped);
}

}  // namespace boxlite::box
