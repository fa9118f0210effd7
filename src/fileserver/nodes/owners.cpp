// SPDX-License-Identifier: Apache-2.0
#include "fileserver/nodes/owners.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/result.h"

namespace boxlite::fileserver {
namespace {

constexpr const char* kept_name = "user.boxlite.stat";
// What QEMU's 9p server kept beside the files of volumes, until 2026-11.
constexpr std::string_view former_prefix = "user.virtfs.";
constexpr uid_t unmapped = 65534;  // of a user that this process's namespace has no number for

std::string octal(mode_t mode) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), mode, 8).ptr;
  return {digits.data(), end};
}

template <typename Number>
bool take_number(std::string_view& text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return true;
}

template <typename Number>
bool take_optional(std::string_view& text, std::optional<Number>& number) {
  if (text.starts_with("- ")) {
    text.remove_prefix(2);
    return true;
  }
  return take_number(text, number.emplace());
}

bool holds_attributes(const struct statx& status) {
  return S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode);
}

std::optional<std::uint32_t> former_number(const std::string& path, std::string_view field) {
  std::array<unsigned char, 8> bytes{};
  const auto name = concat(former_prefix, field);
  if (::getxattr(path.c_str(), name.c_str(), bytes.data(), bytes.size()) < 4) return std::nullopt;
  return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
         static_cast<std::uint32_t>(bytes[3]) << 24;
}

std::optional<KeptStatus> former_status(const std::string& path) {
  const auto uid = former_number(path, "uid");
  const auto gid = former_number(path, "gid");
  const auto mode = former_number(path, "mode");
  if (!uid && !gid && !mode) return std::nullopt;
  KeptStatus kept{.uid = uid, .gid = gid};
  if (!mode) return kept;
  kept.mode = *mode & (S_ISUID | S_ISGID);
  if (!S_ISREG(*mode) && !S_ISDIR(*mode)) kept.mode |= *mode & S_IFMT;
  kept.device = former_number(path, "rdev").value_or(0);
  return kept;
}

// The bits that are lost when a file is written to or given away; without the group's right to execute, the
// group's bit means a kind of lock.
mode_t lost_bits(const struct statx& status) {
  if (!S_ISREG(status.stx_mode)) return 0;
  return (status.stx_mode & S_IXGRP) != 0 ? S_ISUID | S_ISGID : S_ISUID;
}

// The kernel's numbers in a form of FUSE's.
std::uint32_t device_number(const struct statx& status, const KeptStatus& kept) {
  if ((kept.mode & S_IFMT) != 0) return kept.device;
  return static_cast<std::uint32_t>(makedev(status.stx_rdev_major, status.stx_rdev_minor));
}

}  // namespace

std::string encode(const KeptStatus& kept) {
  const auto text = [](const auto& number) { return number ? concat(*number) : std::string("-"); };
  return concat(text(kept.uid), " ", text(kept.gid), " ", octal(kept.mode), " ", kept.device);
}

std::optional<KeptStatus> decode_kept_status(std::string_view text) {
  KeptStatus kept;
  if (!take_optional(text, kept.uid) || !take_optional(text, kept.gid) || !take_number(text, kept.mode, 8) ||
      !take_number(text, kept.device) || !text.empty())
    return std::nullopt;
  kept.mode &= S_IFMT | S_ISUID | S_ISGID;
  return kept;
}

bool is_reserved_attribute(std::string_view name) {
  return name.starts_with("user.boxlite.") || name.starts_with(former_prefix);
}

Owners::Owners(const HostTree& tree, bool may_give_away)
    : tree_(tree), own_uid_(::geteuid()), own_gid_(::getegid()), may_give_away_(may_give_away) {}

KeptStatus Owners::kept(const Found& file, const FolderRules& rules) const {
  if (!holds_attributes(file.status)) return {};
  const auto path = tree_.path_of(file.fd->get());
  std::array<char, 64> text{};
  const auto size = ::getxattr(path.c_str(), kept_name, text.data(), text.size());
  if (size > 0) {
    auto kept = decode_kept_status({text.data(), static_cast<std::size_t>(size)}).value_or(KeptStatus());
    // A device of a volume that somebody has copied is none.
    if (!rules.is_volume && !S_ISFIFO(kept.mode) && !S_ISSOCK(kept.mode)) kept.mode &= S_ISUID | S_ISGID;
    return kept;
  }
  if (!rules.is_volume || errno != ENODATA) return {};
  return former_status(path).value_or(KeptStatus());
}

Answer<void> Owners::keep(const Found& file, const KeptStatus& kept) const {
  const auto path = tree_.path_of(file.fd->get());
  if (kept.is_empty()) {
    if (::removexattr(path.c_str(), kept_name) == 0 || errno == ENODATA || errno == ENOTSUP) return {};
    return refuse(errno);
  }
  const auto text = encode(kept);
  return answer_of(::setxattr(path.c_str(), kept_name, text.data(), text.size(), 0));
}

// Files of several file systems are in one of the guest's: programs take two of one number for the same file.
std::uint64_t Owners::number_of(const struct statx& status, std::uint64_t inode) {
  const std::uint64_t device = makedev(status.stx_dev_major, status.stx_dev_minor);
  auto found = std::ranges::find(devices_, device);
  if (found == devices_.end()) found = devices_.insert(devices_.end(), device);
  return inode ^ static_cast<std::uint64_t>(found - devices_.begin()) << 56;
}

fuse_attr Owners::present(const Found& file, const FolderRules& rules) {
  return present(file, rules, kept(file, rules));
}

fuse_attr Owners::present(const Found& file, const FolderRules& rules, const KeptStatus& beside) {
  const auto& status = file.status;
  const bool is_own = status.stx_uid == own_uid_;
  fuse_attr attr = {};
  attr.ino = number_of(status, status.stx_ino);
  attr.size = status.stx_size;
  attr.blocks = status.stx_blocks;
  attr.atime = static_cast<std::uint64_t>(status.stx_atime.tv_sec);
  attr.atimensec = status.stx_atime.tv_nsec;
  attr.mtime = static_cast<std::uint64_t>(status.stx_mtime.tv_sec);
  attr.mtimensec = status.stx_mtime.tv_nsec;
  attr.ctime = static_cast<std::uint64_t>(status.stx_ctime.tv_sec);
  attr.ctimensec = status.stx_ctime.tv_nsec;
  attr.nlink = status.stx_nlink;
  attr.blksize = status.stx_blksize;
  attr.uid = beside.uid.value_or(is_own ? rules.uid : status.stx_uid);
  const bool has_own_group = status.stx_gid == own_gid_ || (is_own && status.stx_gid == unmapped);
  attr.gid = beside.gid.value_or(has_own_group ? rules.gid : status.stx_gid);
  const mode_t type = (beside.mode & S_IFMT) != 0 ? beside.mode & S_IFMT : status.stx_mode & S_IFMT;
  attr.mode = type | (status.stx_mode & 01777u) | (beside.mode & (S_ISUID | S_ISGID));
  attr.rdev = device_number(status, beside);
  return attr;
}

bool Owners::is_natural(const FolderRules& rules, uid_t uid, gid_t gid) const {
  return uid == rules.uid && gid == rules.gid;
}

// The host's root's own files are the box's user's, so that root of the box, where it is another, has no
// number on the host.
bool Owners::can_give_away(const FolderRules& rules, uid_t uid, gid_t gid) const {
  return may_give_away_ && !rules.is_volume && (uid != own_uid_ || rules.uid == own_uid_) &&
         (gid != own_gid_ || rules.gid == own_gid_);
}

bool Owners::keeps_beside(const FolderRules& rules, uid_t uid, gid_t gid) const {
  return rules.is_volume || (!is_natural(rules, uid, gid) && !can_give_away(rules, uid, gid));
}

Answer<void> Owners::give_away(const Found& file, const FolderRules& rules, uid_t uid, gid_t gid) const {
  if (!can_give_away(rules, uid, gid)) return refuse(EPERM);
  return answer_of(::fchownat(file.fd->get(), "", uid == rules.uid ? own_uid_ : uid,
                              gid == rules.gid ? own_gid_ : gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

Answer<void> Owners::change_owner(const Found& file, const FolderRules& rules, std::optional<uid_t> uid,
                                  std::optional<gid_t> gid) {
  auto beside = kept(file, rules);
  const auto now = present(file, rules, beside);
  beside.mode &= ~lost_bits(file.status);
  const auto wanted_uid = uid.value_or(now.uid);
  const auto wanted_gid = gid.value_or(now.gid);
  if (give_away(file, rules, wanted_uid, wanted_gid)) {
    beside.uid.reset();
    beside.gid.reset();
    return holds_attributes(file.status) ? keep(file, beside) : Answer<void>();
  }
  // The owner of a symlink means nothing, and it has no attributes to keep one in.
  if (!holds_attributes(file.status)) return {};
  const bool is_own = file.status.stx_uid == own_uid_;
  beside.uid = is_own && wanted_uid == rules.uid ? std::nullopt : std::optional(wanted_uid);
  beside.gid = is_own && wanted_gid == rules.gid ? std::nullopt : std::optional(wanted_gid);
  const auto done = keep(file, beside);
  return !done && done.error() == ENOTSUP ? refuse(EPERM) : done;
}

Answer<void> Owners::change_mode(const Found& file, const FolderRules& rules, mode_t mode) {
  const auto path = tree_.path_of(file.fd->get());
  if (::chmod(path.c_str(), mode & 01777u) != 0) return refuse(errno);
  if (!holds_attributes(file.status)) return {};
  auto beside = kept(file, rules);
  const mode_t special = mode & (S_ISUID | S_ISGID);
  if ((beside.mode & (S_ISUID | S_ISGID)) == special) return {};
  beside.mode = (beside.mode & S_IFMT) | special;
  return keep(file, beside);
}

Answer<bool> Owners::drop_set_id(const Found& file, const FolderRules& rules) const {
  auto beside = kept(file, rules);
  const auto lost = beside.mode & lost_bits(file.status);
  if (lost == 0) return false;
  beside.mode &= ~lost;
  BOXLITE_TRY(keep(file, beside));
  return true;
}

void Owners::adopt(const Found& file, const FolderRules& rules, uid_t uid, gid_t gid) {
  if (!is_natural(rules, uid, gid)) (void)change_owner(file, rules, uid, gid);
}

}  // namespace boxlite::fileserver
