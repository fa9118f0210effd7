// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/guest_copy.h"

#include <time.h>

namespace boxlite::fileserver {

Version version_of(const struct statx& status) {
  return {.size = status.stx_size,
          .modified_seconds = status.stx_mtime.tv_sec,
          .modified_nanoseconds = status.stx_mtime.tv_nsec,
          .changed_seconds = status.stx_ctime.tv_sec,
          .changed_nanoseconds = status.stx_ctime.tv_nsec};
}

bool is_settled(const Version& version) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t step = 20'000'000;  // more than any kernel's tick
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto age = (now.tv_sec - version.changed_seconds) * second + now.tv_nsec -
                   static_cast<std::int64_t>(version.changed_nanoseconds);
  return age > step || age < -second;
}

void GuestCopy::tell(const Version& version, bool is_reliable) {
  shown_ = version;
  if (version != known_) known_ = is_reliable ? version : Version();
}

void GuestCopy::make(const Version& version, bool was_known) {
  known_ = version;
  if (was_known) shown_ = version;
}

bool GuestCopy::may_open(const Version& version, bool can_change_unseen) {
  const bool is_believed = is_just_looked_up_ || was_just_refused_;
  is_just_looked_up_ = was_just_refused_ = false;
  if (is_believed) return true;
  if (version == shown_ && (!can_change_unseen || is_settled(version))) return true;
  was_just_refused_ = true;
  return false;
}

bool GuestCopy::is_behind(const Version& version) {
  if (version == known_ || version == forgotten_) return false;
  if (is_settled(version)) forgotten_ = version;
  return true;
}

GuestCopy GuestCopy::restored(const Version& known, const Version& shown, std::uint64_t last_notice) {
  GuestCopy copy;
  copy.known_ = known;
  copy.shown_ = shown;
  copy.last_notice_ = last_notice;
  return copy;
}

}  // namespace boxlite::fileserver
