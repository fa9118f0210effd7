// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/host_text.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <fmt/format.h>

#include "cli/output/table.h"
#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

std::string mark(CheckStatus status, const Palette& palette) {
  switch (status) {
    case CheckStatus::ok: return palette.green("✓");
    case CheckStatus::warning: return palette.yellow("!");
    case CheckStatus::problem: return palette.red("✗");
  }
  return palette.red("✗");
}

// "kvm_device" → "kvm device"
std::string spoken(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string verdict(const HostReport& report, const Palette& palette) {
  if (!report.is_usable()) return palette.red("Boxes cannot run here yet.");
  if (report.accelerator == Accelerator::kvm)
    return palette.green("Boxes can run here, with hardware virtualization.");
  return palette.green("Boxes can run here, by emulation.");
}

void add(std::string& text, std::string_view key, std::string_view value) {
  text += fmt::format("{:<17} {}\n", fmt::format("{}:", key), value);
}

std::string with_path(std::string_view text, const std::string& path) {
  return text.empty() ? "not found" : fmt::format("{} ({})", text, path);
}

std::string boxes_text(const std::vector<BoxInfo>& boxes) {
  auto text = fmt::format("{}", boxes.size());
  std::string parts;
  for (const auto status : {BoxStatus::running, BoxStatus::stopping, BoxStatus::stopped,
                            BoxStatus::configured, BoxStatus::failed}) {
    const auto count = std::ranges::count(boxes, status, &BoxInfo::status);
    if (count != 0) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, name(status));
  }
  return parts.empty() ? text : fmt::format("{} ({})", text, parts);
}

std::string images_text(const std::vector<ImageInfo>& images) {
  std::uint64_t bytes = 0;
  for (const auto& image : images) bytes += image.size_bytes;
  return images.empty() ? "0" : fmt::format("{} ({})", images.size(), format_size(bytes));
}

}  // namespace

std::string doctor_text(const HostReport& report, const Palette& palette) {
  std::size_t width = 0;
  for (const auto& check : report.checks) width = std::max(width, check.name.size());
  std::string text;
  for (const auto& check : report.checks) {
    text += fmt::format("{} {:<{}}  {}\n", mark(check.status, palette), spoken(check.name), width,
                        printable(check.detail));
    if (!check.remedy.empty())
      text += fmt::format("  {} {}\n", palette.bold("try:"), printable(check.remedy));
  }
  text += "\n" + verdict(report, palette) + "\n";
  if (report.is_usable() && !report.accelerator_reason.empty()) {
    text += fmt::format("{}\n", printable(report.accelerator_reason));
  }
  return text;
}

std::string version_text(const Version& version) {
  return version.commit.empty() ? version.boxlite : fmt::format("{} ({})", version.boxlite, version.commit);
}

std::string installation_text(const Installation& installation) {
  const HostReport& host = installation.host;
  std::string text;
  add(text, "BoxLite", version_text(installation.version));
  add(text, "Home", installation.home);
  add(text, "Boxes", boxes_text(installation.boxes));
  add(text, "Images", images_text(installation.images));
  const auto accelerator = name(host.accelerator);
  add(text, "Accelerator",
      host.accelerator_reason.empty() ? std::string(accelerator)
                                      : fmt::format("{}: {}", accelerator, host.accelerator_reason));
  add(text, "QEMU", with_path(host.qemu_version, host.qemu_path.string()));
  add(text, "Guest kernel", host.kernel_path.empty() ? "not found" : host.kernel_path.string());
  add(text, "Host kernel", host.host_kernel);
  add(text, "Architecture", host.architecture);
  add(text, "CPUs", fmt::format("{}", host.cpus));
  add(text, "Memory", format_size(host.memory_bytes));
  add(text, "Free disk", format_size(host.free_disk_bytes));
  add(text, "cgroup", host.cgroup_version == 0 ? "none" : fmt::format("v{}", host.cgroup_version));
  add(text, "User namespaces", host.has_user_namespaces ? "yes" : "no");
  return text;
}

}  // namespace boxlite::cli
