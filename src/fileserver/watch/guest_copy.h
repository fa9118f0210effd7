// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include <linux/stat.h>

namespace boxlite::fileserver {

// What tells that the contents of a file have changed.
struct Version {
  std::uint64_t size = 0;
  std::int64_t modified_seconds = 0;
  std::uint32_t modified_nanoseconds = 0;
  std::int64_t changed_seconds = 0;
  std::uint32_t changed_nanoseconds = 0;

  bool operator==(const Version&) const = default;
};

Version version_of(const struct statx& status);
// False: it may be changed again without looking different, as file systems' clocks have coarse steps.
bool is_settled(const Version& version);

// What the guest's kernel has of one file: of which version its cached contents and attributes are.
//
// - It is of one version, or of none that is known: never of one that the guest was not told, or has not made
//   itself, nor of one after which it was told to forget.
// - A version that is not settled is taken for known only where the guest itself has made it, or where each
//   change by the host is heard of: otherwise what it was told may be older than what the file is by now, and
//   look the same.
class GuestCopy {
 public:
  // Nothing of it has to be read anew while the file is of `version`.
  bool is_of(const Version& version) const { return known_ == version; }
  const Version& known() const { return known_; }
  const Version& shown() const { return shown_; }

  // The guest is told the attributes. `is_reliable`: what it has cached is of no other version, nor will be.
  void tell(const Version& version, bool is_reliable);
  // The guest itself made this version of what it had (`was_known`), or of something else.
  void make(const Version& version, bool was_known);
  // It cut the file to nothing, and has no contents that could be old.
  void empty(const Version& version) { known_ = version; }
  // The guest is to forget what it has, by that notice (Notices).
  void forget(std::uint64_t notice) {
    last_notice_ = notice;
    known_ = shown_ = {};
    is_just_looked_up_ = false;
  }
  std::uint64_t last_notice() const { return last_notice_; }

  // The guest looked the name up, and opens what it was shown by that.
  void look_up() { is_just_looked_up_ = true; }
  // The guest may open the file, which is of `version`. Otherwise it has to look the name up first, as what
  // it was shown, its size above all, is older; it is believed once that it did. `can_change_unseen`:
  // of two versions that look the same, the host may have made the later one.
  bool may_open(const Version& version, bool can_change_unseen);

  // The host's file was seen to be of `version`. False: the guest has that, or was told once to forget all
  // before it, and need not be told again: what it asked for meanwhile would be void as well.
  bool is_behind(const Version& version);
  // A program of the host writes, or closes what it wrote. False: only the guest's own programs did.
  bool host_closes(bool was_news) { return std::exchange(host_writes_, false) || was_news; }
  void host_writes() { host_writes_ = true; }

  // As another process knew it (ServerState).
  static GuestCopy restored(const Version& known, const Version& shown, std::uint64_t last_notice);

 private:
  Version known_ = {};
  Version shown_ = {};      // with the attributes that it was told last
  Version forgotten_ = {};  // the file was of it when the guest was to forget
  std::uint64_t last_notice_ = 0;
  bool is_just_looked_up_ = false;
  bool was_just_refused_ = false;  // a host that goes on writing does not keep the guest out
  bool host_writes_ = false;
};

}  // namespace boxlite::fileserver
