// SPDX-License-Identifier: Apache-2.0
#include "model/enum_names.h"

#include <set>

#include <gtest/gtest.h>

#include <boxlite/runtime.hpp>

namespace boxlite::model {
namespace {

template <typename Enum>
class EnumNamesTest : public testing::Test {};

using Enums = testing::Types<Accelerator, BeyondLimit, BoxStatus, CheckStatus, ErrorCode, FileEventKind,
                             FileKind, HealthCheck::Probe, HealthStatus, LogLevel, MountType, OutputStream,
                             PullPolicy, PortProtocol, RestartMode>;
TYPED_TEST_SUITE(EnumNamesTest, Enums);

TYPED_TEST(EnumNamesTest, LeadBack) {
  const auto all = values<TypeParam>();
  EXPECT_GE(all.size(), 2u);
  std::set<std::string_view> words;
  for (const auto value : all) {
    EXPECT_EQ(parse<TypeParam>(name(value)), value);
    words.insert(name(value));
  }
  EXPECT_EQ(words.size(), all.size()) << "two enumerators have one name";
}

TYPED_TEST(EnumNamesTest, AreTheOnlyWords) {
  for (const auto* const word : {"", "floating", "Running", "0"}) {
    const auto parsed = parse<TypeParam>(word);
    ASSERT_FALSE(parsed) << word;
    EXPECT_EQ(parsed.error().code(), ErrorCode::invalid_argument);
  }
}

TEST(EnumNames, AreSaidToWhoeverKnewNone) {
  EXPECT_EQ(parse<MountType>("nfs").error().message(), "\"nfs\" is none of bind, volume, tmpfs, socket");
}

TEST(EnumNames, AreThoseThatHomesHold) {
  EXPECT_EQ(name(RestartMode::unless_stopped), "unless-stopped");
  EXPECT_EQ(name(Accelerator::automatic), "auto");
  EXPECT_EQ(name(OutputStream::stderr_), "stderr");
}

}  // namespace
}  // namespace boxlite::model
