// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/host_text.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

TEST(HostTextTest, PutsRemediesBelowTheirChecksAndTheVerdictLast) {
  HostReport report;
  report.accelerator = Accelerator::tcg;
  report.accelerator_reason = "KVM does not run natively";
  report.checks = {{"qemu", CheckStatus::ok, "7.2.22", ""},
                   {"kvm_native", CheckStatus::warning, "too slow", "enable nested virtualization"}};
  EXPECT_EQ(doctor_text(report, Palette(false)),
            "✓ qemu        7.2.22\n"
            "! kvm native  too slow\n"
            "  try: enable nested virtualization\n"
            "\n"
            "Boxes can run here, by emulation.\n"
            "KVM does not run natively\n");
}

TEST(HostTextTest, SaysWhenBoxesCannotRun) {
  HostReport report;
  report.checks = {{"qemu", CheckStatus::problem, "not found", "apt install qemu-system-x86"}};
  const auto text = doctor_text(report, Palette(false));
  EXPECT_THAT(text, HasSubstr("✗ qemu  not found\n  try: apt install qemu-system-x86\n"));
  EXPECT_THAT(text, HasSubstr("Boxes cannot run here yet.\n"));
}

TEST(HostTextTest, ColoursOnlyWhenAsked) {
  HostReport report;
  report.checks = {{"qemu", CheckStatus::ok, "7.2", ""}};
  EXPECT_THAT(doctor_text(report, Palette(true)), HasSubstr("\033[32m✓\033[0m qemu"));
}

TEST(HostTextTest, CountsBoxesByStatus) {
  Installation installation;
  installation.version.boxlite = "0.1.0";
  installation.boxes.resize(3);
  installation.boxes[0].status = BoxStatus::running;
  const auto text = installation_text(installation);
  EXPECT_THAT(text, HasSubstr("BoxLite:          0.1.0\n"));
  EXPECT_THAT(text, HasSubstr("Boxes:            3 (1 running, 2 configured)\n"));
  EXPECT_THAT(text, HasSubstr("QEMU:             not found\n"));
}

}  // namespace
}  // namespace boxlite::cli
