// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/absent_names.h"

#include <gtest/gtest.h>

namespace boxlite::fileserver {
namespace {

TEST(AbsentNames, AreBoundedAndGoWithTheirDirectory) {
  AbsentNames names(2);
  EXPECT_FALSE(names.add({2, "a"}));
  EXPECT_FALSE(names.add({2, "a"}));
  EXPECT_FALSE(names.add({3, "b"}));
  EXPECT_TRUE(names.add({3, "c"})) << "one of those before";
  EXPECT_EQ(names.size(), 2u);
  names.forget(3);
  names.forget(2);
  EXPECT_EQ(names.size(), 0u);
  EXPECT_FALSE(names.add({2, "a"}));
  names.remove({2, "a"});
  EXPECT_TRUE(names.all().empty());
}

}  // namespace
}  // namespace boxlite::fileserver
