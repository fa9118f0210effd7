// SPDX-License-Identifier: Apache-2.0
// Whose the host's files are in the box. The files of the user that shares them belong to one user of the
// box, whatever its number; what the box says beyond that (other owners, set-id bits, devices on volumes) is
// kept beside the file, in an extended attribute, and means nothing to the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <linux/fuse.h>
#include <sys/types.h>

#include "fileserver/answer.h"
#include "fileserver/nodes/host_tree.h"

namespace boxlite::fileserver {

struct FolderRules {
  bool is_volume = false;  // no program of the host is at it: owners are all kept beside, and devices exist
  bool follows_box_user = false;  // uid and gid are those of the box's user, once that is known
  uid_t uid = 0;                  // to whom in the box the files of the host's user belong
  gid_t gid = 0;

  bool operator==(const FolderRules&) const = default;
};

// What is kept beside a file.
struct KeptStatus {
  std::optional<uid_t> uid = {};
  std::optional<gid_t> gid = {};
  mode_t mode = 0;  // set-id bits; of what is a special file in the box only, its type
  std::uint32_t device = 0;

  bool is_empty() const { return !uid && !gid && mode == 0; }
  bool operator==(const KeptStatus&) const = default;
};

std::string encode(const KeptStatus& kept);
// Nothing for text that is none of ours.
std::optional<KeptStatus> decode_kept_status(std::string_view text);

class Owners {
 public:
  // `may_give_away`: this process is the host's root, who can change owners.
  Owners(const HostTree& tree, bool may_give_away);

  // What the box sees of a file.
  fuse_attr present(const Found& file, const FolderRules& rules);
  // The same with what is read beside it.
  KeptStatus kept(const Found& file, const FolderRules& rules) const;

  Answer<void> change_owner(const Found& file, const FolderRules& rules, std::optional<uid_t> uid,
                            std::optional<gid_t> gid);
  Answer<void> change_mode(const Found& file, const FolderRules& rules, mode_t mode);
  // As a user's write into a program's file does. False: it had none.
  Answer<bool> drop_set_id(const Found& file, const FolderRules& rules) const;
  // Of a file that was just made, by a user of the box: never fails, as it is better made than refused.
  void adopt(const Found& file, const FolderRules& rules, uid_t uid, gid_t gid);
  Answer<void> keep(const Found& file, const KeptStatus& kept) const;
  // That something is this user's, or may become so, is kept beside it: on the host it is the host user's.
  bool keeps_beside(const FolderRules& rules, uid_t uid, gid_t gid) const;
  // Regular files of the host may be something else in the box.
  bool may_keep_types(const FolderRules& rules) const { return rules.is_volume || !may_give_away_; }
  // The number in the guest of an inode of the file system that `status` is of.
  std::uint64_t number_of(const struct statx& status, std::uint64_t inode);
  // The file systems that were met, in the order on which those numbers rest.
  const std::vector<std::uint64_t>& devices() const { return devices_; }
  void set_devices(std::vector<std::uint64_t> devices) { devices_ = std::move(devices); }

 private:
  fuse_attr present(const Found& file, const FolderRules& rules, const KeptStatus& beside);
  bool can_give_away(const FolderRules& rules, uid_t uid, gid_t gid) const;
  bool is_natural(const FolderRules& rules, uid_t uid, gid_t gid) const;
  Answer<void> give_away(const Found& file, const FolderRules& rules, uid_t uid, gid_t gid) const;

  const HostTree& tree_;
  uid_t own_uid_;
  gid_t own_gid_;
  bool may_give_away_;
  std::vector<std::uint64_t> devices_;
};

// The attributes that are ours, and that the box neither sees nor changes.
bool is_reserved_attribute(std::string_view name);

}  // namespace boxlite::fileserver
