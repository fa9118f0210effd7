// SPDX-License-Identifier: Apache-2.0
#include "wire/status.h"

#include <algorithm>
#include <array>
#include <utility>

namespace boxlite::wire {
namespace {

// The first entry of an ErrorCode is the one it is sent as.
constexpr std::array<std::pair<std::int32_t, ErrorCode>, 16> codes{{
    {1, ErrorCode::cancelled},
    {13, ErrorCode::internal},
    {3, ErrorCode::invalid_argument},
    {4, ErrorCode::timed_out},
    {5, ErrorCode::not_found},
    {6, ErrorCode::already_exists},
    {7, ErrorCode::permission_denied},
    {8, ErrorCode::resource_exhausted},
    {9, ErrorCode::invalid_state},
    {10, ErrorCode::stopped},
    {12, ErrorCode::unsupported},
    {14, ErrorCode::unavailable},
    {15, ErrorCode::corrupted},
    {2, ErrorCode::internal},            // UNKNOWN
    {11, ErrorCode::invalid_argument},   // OUT_OF_RANGE
    {16, ErrorCode::permission_denied},  // UNAUTHENTICATED
}};

}  // namespace

std::int32_t to_status_code(ErrorCode code) {
  const auto* const found = std::ranges::find(codes, code, &std::pair<std::int32_t, ErrorCode>::second);
  return found == codes.end() ? 13 : found->first;
}

ErrorCode to_error_code(std::int32_t status_code) {
  const auto* const found = std::ranges::find(codes, status_code, &std::pair<std::int32_t, ErrorCode>::first);
  return found == codes.end() ? ErrorCode::internal : found->second;
}

msg::Status to_status(const Error& error) {
  msg::Status status;
  status.set_code(to_status_code(error.code()));
  status.set_message(error.message());
  if (!error.remedy().empty()) status.set_remedy(error.remedy());
  return status;
}

Error to_error(const msg::Status& status) {
  Error error(to_error_code(status.code()), status.message());
  return status.remedy().empty() ? error : std::move(error).with_remedy(status.remedy());
}

}  // namespace boxlite::wire
