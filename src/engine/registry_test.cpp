// SPDX-License-Identifier: Apache-2.0
#include "engine/registry.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace boxlite::engine {
namespace {

TEST(Registry, MakesAnEngineByName) {
  const auto engine = make({.name = "qemu", .program = "/usr/bin/qemu"});
  ASSERT_TRUE(engine) << engine.error().message();
  EXPECT_TRUE((*engine)->capabilities(Accelerator::tcg).can_snapshot_warm);
  EXPECT_FALSE((*engine)->capabilities(Accelerator::kvm).can_snapshot_warm);
}

TEST(Registry, NamesAnEngineThatIsNotThere) {
  const auto engine = make({.name = "hyperlight"});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code(), ErrorCode::unsupported);
  EXPECT_NE(engine.error().message().find("\"hyperlight\""), std::string::npos) << engine.error().message();
}

class FingerprintTest : public testing::Test {
 protected:
  FingerprintTest() : dir_(*TempDir::create(testing::TempDir(), "fingerprint-")) {
    for (const auto* name : {"program", "helper", "kernel", "initramfs"}) write(name, "first");
    spec_.kernel = dir_.path() / "kernel";
    spec_.initramfs = dir_.path() / "initramfs";
    spec_.disks = {{.format = DiskFormat::blank, .size_bytes = 1u << 30}};
  }
  void write(const char* name, std::string_view text) {
    ASSERT_TRUE(write_file_atomic(dir_.path() / name, text));
  }
  std::string fingerprint() {
    const auto engine =
        make({.name = "qemu", .program = dir_.path() / "program", .helper = dir_.path() / "helper"});
    return (*engine)->fingerprint(spec_).value();
  }

  TempDir dir_;
  MachineSpec spec_;
};

TEST_F(FingerprintTest, IsTheSameForMachinesThatAreAlike) {
  const auto first = fingerprint();
  spec_.tsc_khz = 2'596'001;
  EXPECT_EQ(fingerprint(), first) << "measured anew each time";
}

TEST_F(FingerprintTest, ChangesWithEachProgramAndFile) {
  for (const auto* name : {"program", "helper", "kernel", "initramfs"}) {
    const auto before = fingerprint();
    write(name, "second");
    EXPECT_NE(fingerprint(), before) << name;
  }
}

TEST_F(FingerprintTest, ChangesWithTheMachine) {
  const auto first = fingerprint();
  spec_.memory_mib = 1024;
  EXPECT_NE(fingerprint(), first);
  spec_.memory_mib = 512;
  spec_.disks.front().size_bytes = 2u << 30;
  EXPECT_NE(fingerprint(), first);
}

}  // namespace
}  // namespace boxlite::engine
