// SPDX-License-Identifier: Apache-2.0
#include "box/life/status.h"

namespace boxlite::box {
namespace {

constexpr BoxStatus statuses[] = {BoxStatus::configured, BoxStatus::running, BoxStatus::stopping,
                                  BoxStatus::stopped,    BoxStatus::failed,  BoxStatus::paused,
                                  BoxStatus::restarting};

}  // namespace

bool may_remove(BoxStatus status) {
  return status == BoxStatus::configured || status == BoxStatus::stopped || status == BoxStatus::failed;
}

std::span<const BoxStatus> all_statuses() {
  return statuses;
}

BoxStatus parse_status(std::string_view text) {
  for (const auto status : statuses) {
    if (name(status) == text) return status;
  }
  return BoxStatus::stopped;
}

}  // namespace boxlite::box
