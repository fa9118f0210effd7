// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/disk_watch.h"

#include <gtest/gtest.h>

namespace boxlite::agent {
namespace {

// As /dev/kmsg of Linux 6.12 gives them.
TEST(DiskMessage, IsTheKernelsWordOnTheRootDisk) {
  const auto error = parse_disk_message(
      "2,431,5012345,-;EXT4-fs error (device vda): htree_dirblock_to_tree:1083: inode #12: comm ls: bad\n"
      " SUBSYSTEM=block\n DEVICE=b254:0\n",
      "vda");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->text, "EXT4-fs error (device vda): htree_dirblock_to_tree:1083: inode #12: comm ls: bad");
  EXPECT_FALSE(error->is_read_only);
  EXPECT_TRUE(
      parse_disk_message("2,1,1,-;EXT4-fs error (device vda) in ext4_setattr:1: IO failure\n", "vda"));
  EXPECT_TRUE(parse_disk_message("3,1,1,-;I/O error, dev vda, sector 8 op 0x1:(WRITE)\n", "vda"));
  EXPECT_TRUE(
      parse_disk_message("2,1,1,-;EXT4-fs (vda): Remounting filesystem read-only\n", "vda")->is_read_only);
  EXPECT_TRUE(parse_disk_message("3,1,1,-;Aborting journal on device vda-8.\n", "vda")->is_read_only);
}

TEST(DiskMessage, IsNothingElse) {
  for (const char* record : {
           "",
           ";",
           "x;EXT4-fs error (device vda): a\n",
           "2,1,1,-\n",
           "6,1,1,-;EXT4-fs (vda): mounted filesystem r/w\n",
           "4,1,1,-;EXT4-fs warning (device vda): a\n",
           "2,1,1,-;EXT4-fs error (device vdab): a\n",
           "2,1,1,-;EXT4-fs error (device loop0): a\n",
           // What a program of a privileged box writes to /dev/kmsg.
           "10,1,1,-;EXT4-fs error (device vda): a\n",
           "12,1,1,-;I/O error, dev vda, sector 8\n",
       })
    EXPECT_FALSE(parse_disk_message(record, "vda")) << record;
}

}  // namespace
}  // namespace boxlite::agent
