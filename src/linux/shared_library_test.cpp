// SPDX-License-Identifier: Apache-2.0
#include "linux/shared_library.h"

#include <gtest/gtest.h>

namespace boxlite::linux_ {
namespace {

TEST(SharedLibraryTest, FindsFunctionsByName) {
  const auto library = SharedLibrary::open("libm.so.6");
  ASSERT_TRUE(library) << library.error().message();
  double (*root)(double) = nullptr;
  ASSERT_TRUE(library->find("sqrt", root));
  EXPECT_EQ(root(49.0), 7.0);
  EXPECT_EQ(library->find("no_such_root", root).error().code(), ErrorCode::unsupported);
}

TEST(SharedLibraryTest, SaysWhichLibraryIsMissing) {
  const auto library = SharedLibrary::open("libno-such-thing.so.0");
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code(), ErrorCode::not_found);
  EXPECT_NE(library.error().message().find("libno-such-thing.so.0"), std::string::npos);
}

}  // namespace
}  // namespace boxlite::linux_
