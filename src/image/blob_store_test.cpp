// SPDX-License-Identifier: Apache-2.0
#include "image/blob_store.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/files.h"
#include "base/scope_exit.h"

namespace boxlite::image {
namespace {

TEST(BlobStore, ContinuesADownloadThatWasCutOff) {
  const auto directory = TempDir::create(testing::TempDir(), "blobs-");
  ASSERT_TRUE(directory);
  const auto store = BlobStore::open(directory->path());
  ASSERT_TRUE(store);
  const auto digest = oci::Digest::of("whole blob");
  {
    auto first = store->fetch(digest, 10, {});
    ASSERT_TRUE(first && *first);
    ASSERT_TRUE((*first)->append("whole"));
  }
  auto second = store->fetch(digest, 10, {});
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->offset(), 5u);
  ASSERT_TRUE((*second)->append(" blob"));
  ASSERT_TRUE((*second)->commit());
  EXPECT_EQ(*store->read(digest, 100), "whole blob");
}

TEST(BlobStore, GivesTheSpaceBackWhenTheDiskIsFull) {
  const auto directory = TempDir::create(testing::TempDir(), "blobs-");
  ASSERT_TRUE(directory);
  const auto store = BlobStore::open(directory->path());
  ASSERT_TRUE(store);
  const std::string bytes(100'000, 'x');
  const auto digest = oci::Digest::of(bytes);
  auto writer = store->fetch(digest, bytes.size(), {});
  ASSERT_TRUE(writer && *writer);

  // The limit on file sizes stands for the full disk: both are `resource_exhausted`.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ScopeExit restore([&] {
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old_handler);
  });
  const rlimit small{.rlim_cur = 50'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = (*writer)->append(bytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::resource_exhausted);
  for (const auto& file : std::filesystem::directory_iterator(directory->path() / "tmp")) {
    EXPECT_EQ(file.file_size(), 0u) << file.path();
  }
}

}  // namespace
}  // namespace boxlite::image
