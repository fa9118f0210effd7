// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "engine/host_check.h"
#include "engine/host_facts.h"
#include "engine/qemu/qemu_engine.h"
#include "host/tsc_clock.h"
#include "linux/process/child_process.h"
#include "linux/process/process_identity.h"

namespace boxlite::engine {
namespace {

// The cache is text, "key=value" a line: what it depends on, then the verdict.
using Fields = std::map<std::string, std::string>;

std::string to_text(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) text += concat(key, "=", value, "\n");
  return text;
}

Fields parse_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) fields.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return fields;
}

std::string file_stamp(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return "none";
  return concat(status.st_dev, ":", status.st_ino, ":", status.st_size, ":", status.st_mtim.tv_sec, ".",
                status.st_mtim.tv_nsec, ":", status.st_ctim.tv_sec);
}

// What must be the same for the cached verdict to hold.
Result<Fields> conditions(const EngineRequest& request, const std::filesystem::path& qemu) {
  Fields fields;
  fields["build"] = BOXLITE_VERSION;
  fields["boot_id"] = BOXLITE_TRY(linux_::boot_id());
  fields["qemu"] = qemu.native();
  fields["qemu_stamp"] = file_stamp(qemu);
  fields["kvm_access"] =
      ::access(request.kvm_device.c_str(), R_OK | W_OK) == 0 ? "yes" : concat("no ", errno);
  return fields;
}

bool holds(const Fields& cached, const Fields& wanted) {
  for (const auto& [key, value] : wanted) {
    const auto found = cached.find(key);
    if (found == cached.end() || found->second != value) return false;
  }
  return cached.contains("kvm") && cached.contains("qemu_version") && cached.contains("tsc_khz");
}

Result<Fields> measure(const EngineRequest& request, const std::filesystem::path& qemu, Fields fields) {
  fields["qemu_version"] = BOXLITE_TRY(qemu_version(qemu, request.asks_confined));
  const auto kvm = host::probe_kvm(request.kvm_device);
  fields["kvm"] = name(kvm.verdict);
  fields["kvm_detail"] = kvm.detail;
  fields["tsc_khz"] = concat(host::measure_tsc_khz());
  return fields;
}

// A cache that cannot be read or written costs time, nothing else.
Result<Fields> verdict(const EngineRequest& request, const std::filesystem::path& qemu) {
  auto wanted = BOXLITE_TRY(conditions(request, qemu));
  if (request.cache_file.empty()) return measure(request, qemu, std::move(wanted));
  if (const auto text = read_file(request.cache_file, 64u << 10)) {
    auto cached = parse_fields(*text);
    if (holds(cached, wanted)) return cached;
  }
  auto measured = BOXLITE_TRY(measure(request, qemu, std::move(wanted)));
  (void)write_file_atomic(request.cache_file, to_text(measured));
  return measured;
}

}  // namespace

Result<std::optional<Accelerator>> requested_accelerator(const EngineRequest& request) {
  if (request.accelerator) return request.accelerator;
  const char* variable = std::getenv("BOXLITE_ACCEL");
  if (variable == nullptr || *variable == '\0' || std::string_view(variable) == "auto") {
    return std::optional<Accelerator>();
  }
  return std::optional(BOXLITE_TRY_CONTEXT("$BOXLITE_ACCEL", parse_accelerator(variable)));
}

std::string kvm_reason(std::string_view kvm_verdict, std::string_view detail) {
  if (kvm_verdict == name(host::KvmVerdict::usable)) return "KVM executes guest code on the processor";
  if (kvm_verdict == name(host::KvmVerdict::missing)) return "this host has no /dev/kvm";
  if (kvm_verdict == name(host::KvmVerdict::no_access)) return concat("KVM cannot be opened: ", detail);
  if (kvm_verdict == name(host::KvmVerdict::interpreted)) {
    return concat("KVM on this host interprets guest code instead of executing it: ", detail);
  }
  return concat("KVM does not work: ", detail);
}

Result<EngineChoice> choose_engine(const EngineRequest& request) {
  const auto wanted = BOXLITE_TRY(requested_accelerator(request));
  EngineChoice choice;
  auto program = BOXLITE_TRY(find_qemu(request.qemu_name));
  choice.engine = {
      .name = std::string(qemu::engine_name), .program = std::move(program), .helper = request.helper};
  const auto fields = BOXLITE_TRY(verdict(request, choice.engine.program));
  choice.version = fields.at("qemu_version");
  BOXLITE_TRY(require_qemu_version(choice.version));
  const auto& tsc = fields.at("tsc_khz");
  std::from_chars(tsc.data(), tsc.data() + tsc.size(), choice.tsc_khz);
  const auto detail = fields.find("kvm_detail");
  const auto reason = kvm_reason(fields.at("kvm"), detail == fields.end() ? "" : detail->second);
  const bool is_usable = fields.at("kvm") == name(host::KvmVerdict::usable);
  if (wanted == Accelerator::kvm && !is_usable) {
    return fail(
        Error(ErrorCode::unsupported, concat("accelerator kvm: ", reason))
            .with_remedy("use accelerator auto or tcg, or see `boxlite doctor` for how to enable KVM"));
  }
  choice.accelerator = wanted.value_or(is_usable ? Accelerator::kvm : Accelerator::tcg);
  choice.reason = wanted ? "asked for by name" : reason;
  return choice;
}

}  // namespace boxlite::engine
