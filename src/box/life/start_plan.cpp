// SPDX-License-Identifier: Apache-2.0
#include "box/life/start_plan.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>

#include "agentlink/connection.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "box/life/evidence.h"
#include "box/life/status.h"
#include "box/spec/authorities.h"
#include "box/spec/container_spec.h"
#include "box/spec/folder_owner.h"
#include "box/spec/health_plan.h"
#include "box/spec/image_config_json.h"
#include "box/spec/mounts.h"
#include "box/spec/network.h"
#include "box/spec/secrets.h"
#include "box/spec/spec_json.h"
#include "disk/disk_cache.h"
#include "disk/disk_damage.h"
#include "host/host_memory.h"
#include "linux/files/file_copy.h"
#include "qcow2/overlay.h"

namespace boxlite::box {
namespace {

using namespace std::chrono_literals;

// What the shim gets on top of the guest's own limit, to say itself what went wrong.
constexpr std::chrono::milliseconds shim_slack = 10s;
// A machine that was started for a copy stays for the next one so long.
constexpr std::chrono::milliseconds maintenance_time = 5s;
constexpr std::chrono::milliseconds shim_end_limit = 10s;
// After it a box boots instead: a template that does not answer is broken.
constexpr std::chrono::milliseconds restore_timeout = 60s;
constexpr std::string_view machine_remedy =
    "look at console.log and vmm.stderr in the box's directory, and at what `boxlite doctor` says of this "
    "host";
constexpr std::string_view boot_remedy =
    "see console.log and shim.stderr in the box's directory; a slow or busy host may need a longer "
    "start_timeout";

std::chrono::milliseconds boot_timeout(const BoxSpec& spec, engine::Accelerator accelerator) {
  return spec.start_timeout.count() > 0 ? spec.start_timeout : shimlink::default_boot_timeout(accelerator);
}

}  // namespace

const StartPlan::Stage StartPlan::preparing[] = {
    {"image", &StartPlan::find_image},
    {"base_disk", &StartPlan::make_base_disk},
};

const StartPlan::Stage StartPlan::launching[] = {
    {"template", &StartPlan::choose_saved_machine},
    {"disk", &StartPlan::make_disk},
    {"spawn", &StartPlan::spawn_shim},
    {"ready", &StartPlan::wait_ready},
};

const StartPlan::Stage StartPlan::booting[] = {
    {"spawn", &StartPlan::spawn_shim},
    {"ready", &StartPlan::wait_ready},
};

StartPlan::StartPlan(Surroundings& around, const store::BoxRecord& record, BoxSpec spec, const Call& call,
                     MainStart main)
    : around_(around),
      id_(record.id),
      name_(record.name),
      spec_(std::move(spec)),
      paths_(around.home(), record.id),
      call_(call),
      image_config_(record.disk_base.empty() ? std::string() : record.image_config),
      was_started_before_(!record.state.started_at.empty()),
      base_key_(record.disk_base),
      main_(main) {}

Result<void> StartPlan::run(std::span<const Stage> stages) {
  for (const auto& stage : stages) {
    BOXLITE_TRY(call_.check());
    call_.tell({.stage = stage.name});
    const auto begin = std::chrono::steady_clock::now();
    BOXLITE_TRY((this->*stage.run)());
    const auto end = std::chrono::steady_clock::now();
    stages_.push_back({stage.name, std::chrono::duration_cast<std::chrono::microseconds>(end - begin)});
  }
  return {};
}

Result<void> StartPlan::prepare() {
  // First, lest an image be pulled for a machine that cannot start.
  parts_ = BOXLITE_TRY(around_.machine_parts());
  BOXLITE_TRY(host::require_memory(static_cast<unsigned>(spec_.memory_mib)));
  BOXLITE_TRY(around_.require_volumes(spec_.mounts));
  const bool has_disk = is_there(paths_.disk());
  if (has_disk && !image_config_.empty()) return {};
  if (was_started_before_) {
    return fail(Error(ErrorCode::corrupted,
                      concat("the disk of the box, ", in_quotes(paths_.disk().native()), ", is gone"))
                    .with_remedy("remove the box; its files cannot be restored"));
  }
  return run(preparing);
}

Result<void> StartPlan::find_image() {
  image_ = BOXLITE_TRY(around_.require_image(spec_, call_));
  // Before anything is made of it.
  BOXLITE_TRY(stop_signal(spec_, image_->config));
  BOXLITE_TRY(wanted_ports(spec_.network, image_->config.exposed_ports));
  return {};
}

Result<void> StartPlan::make_base_disk() {
  base_ = BOXLITE_TRY(around_.require_base_disk(*image_, spec_, call_));
  return {};
}

Result<void> StartPlan::launch(const store::BoxRecord& record) {
  name_ = record.name;
  // Of several processes that prepared a first start, the first to get here has chosen the base.
  if (!record.disk_base.empty() && is_there(paths_.disk())) {
    image_config_ = record.image_config;
    base_key_ = record.disk_base;
    base_.reset();
    // The engine checks once more, for it counts what is there then. But what it refuses would be blamed on
    // the saved machine, and the template go; and this error has its code and its remedy.
    BOXLITE_TRY(qcow2::require_overlay_over(paths_.disk(), base_path()));
    warn_of_lost_files();
  }
  ScopeExit on_failure([this] { undo(); });
  auto launched = run(launching);
  if (!launched) {
    if (const auto failure = restore_failure(launched.error())) launched = boot_instead(*failure);
  }
  BOXLITE_TRY(std::move(launched));
  if (base_ && saved_) around_.note_first_start(spec_);
  base_.reset();
  on_failure.release();
  return {};
}

// Only of one that never became ready: in another one the main command may have begun. What the guest
// refuses, it would refuse again.
std::optional<StartPlan::RestoreFailure> StartPlan::restore_failure(const Error& why) {
  if (!saved_ || !shim_ || call_.is_over()) return std::nullopt;
  // It says that it has failed before it writes down how.
  (void)shim_->wait(Deadline::after(shim_end_limit));
  const auto evidence = gather_evidence(paths_);
  if (!evidence || !evidence->exit || evidence->exit->reason != shimlink::ExitReason::boot_failed)
    return std::nullopt;
  const auto& phase = evidence->exit->phase;
  if (phase == shimlink::set_up_phase) return std::nullopt;
  if (phase == shimlink::resources_phase) return RestoreFailure{};
  const bool cannot_restore = phase == shimlink::no_restoring_phase;
  if (phase == "spawn_vmm" || phase == "restore" || cannot_restore)
    return RestoreFailure{.is_template_bad = true, .cannot_restore = cannot_restore};
  const auto code = why.code();
  const bool is_silent =
      code == ErrorCode::timed_out || code == ErrorCode::unavailable || code == ErrorCode::stopped;
  if (phase == shimlink::network_phase || !is_silent) return std::nullopt;
  // It may be the box's own disk, which its guest can spoil: others go on with the template. Not so when the
  // disk is new.
  return RestoreFailure{.is_template_bad = base_.has_value()};
}

Result<void> StartPlan::boot_instead(RestoreFailure failure) {
  undo();
  saved_.reset();
  if (base_) {
    BOXLITE_TRY(remove_tree(paths_.disk()));
    BOXLITE_TRY(make_overlay(paths_.disk()));
  }
  BOXLITE_TRY(run(booting));
  // Where booting fails as well, the template need not be to blame.
  if (failure.is_template_bad) saved_machines_->discard(failure.cannot_restore);
  return {};
}

Result<void> StartPlan::choose_saved_machine() {
  if (spec_.cold_start) return {};
  const auto machine = machine_spec();
  saved_machines_.emplace(around_.home(), *parts_, machine, boot_timeout(spec_, machine.accelerator), call_);
  std::optional<snapshot::TemplateRecipe::Image> image;
  if (base_) image = BOXLITE_TRY(image_recipe());
  saved_ = saved_machines_->choose(image);
  return {};
}

Result<snapshot::TemplateRecipe::Image> StartPlan::image_recipe() const {
  wire::msg::ConfigureRequest configure;
  // As long as a real one.
  configure.set_hostname(std::string(id_.size(), 'x'));
  configure_network({}, configure);
  wire::msg::StartContainerRequest start;
  *start.mutable_container() =
      prepared_part(BOXLITE_TRY(container_spec(spec_, image_->config, configure.hostname())));
  start.set_only_prepare(true);
  for (auto& path : files_needed_soon(image_->config)) start.add_needed_soon(std::move(path));
  return snapshot::TemplateRecipe::Image{.base = base_->path,
                                         .make_disk = [this](const auto& disk) { return make_overlay(disk); },
                                         .configure_request = configure.SerializeAsString(),
                                         .start_container_request = start.SerializeAsString()};
}

Result<void> StartPlan::make_disk() {
  if (!base_) return {};
  image_config_ = to_json(image_->config);
  // The row first: from now on no process prunes the base.
  BOXLITE_TRY(around_.boxes().set_origin(id_, {.image_digest = image_->manifest_digest.str(),
                                               .image_config = image_config_,
                                               .disk_base = base_->key}));
  if (saved_ && !saved_->disk.empty()) {
    if (BOXLITE_TRY(claim_ready_machine())) return {};
    if (copy_saved_disk()) return {};
    // Pruned in this moment, or the disk is full.
    saved_.reset();
  }
  return make_overlay(paths_.disk());
}

Result<void> StartPlan::make_overlay(const std::filesystem::path& disk) const {
  return qcow2::create_overlay(disk, {.file = base_->path, .format = "raw"}, spec_.disk_size_gib << 30);
}

// Renamed into place: half of one would be found by the next start.
Result<void> StartPlan::copy_saved_disk() const {
  const std::filesystem::path fresh = concat(paths_.disk().native(), ".new");
  BOXLITE_TRY(remove_tree(fresh));
  BOXLITE_TRY(linux_::copy_sparse(saved_->disk, fresh));
  if (::rename(fresh.c_str(), paths_.disk().c_str()) != 0)
    return fail(syscall_error("rename", fresh.native(), errno));
  return {};
}

Result<bool> StartPlan::claim_ready_machine() {
  // Its shim has entered a user namespace, in which even root cannot bind these.
  const auto is_low = [](const PublishedPort& port) { return port.host_port != 0 && port.host_port < 1024; };
  if (std::ranges::any_of(spec_.network.ports, is_low)) return false;
  shimlink::ReadyMachines ready(around_.home());
  // Most homes keep none, and the start goes on at once.
  if (ready.count(saved_machines_->shape()) == 0) return false;
  const auto config = BOXLITE_TRY(shim_config());
  shim_ = ready.claim(saved_machines_->shape(), config);
  return shim_.has_value();
}

Result<shimlink::AddedMachine> StartPlan::add_ready_machine() {
  BOXLITE_TRY(choose_saved_machine());
  if (!saved_ || saved_->disk.empty())
    return fail(
        Error(ErrorCode::unsupported, "keep a machine ready: this home has no saved machines")
            .with_remedy("it takes Linux 5.19 and a home on a disk; see docs/explanation/saved-machines.md"));
  const auto recipe = BOXLITE_TRY(image_recipe());
  shimlink::ShimConfig config;
  config.home = around_.home();
  config.machine = machine_spec();
  config.from = saved_;
  config.engine = parts_->engine.engine;
  config.fileserver = parts_->fileserver;
  config.configure_request = recipe.configure_request;
  config.start_container_request = recipe.start_container_request;
  config.boot_timeout = restore_timeout;
  return shimlink::ReadyMachines(around_.home()).add(saved_machines_->shape(), parts_->shim, config);
}

std::filesystem::path StartPlan::base_path() const {
  return base_ ? base_->path : around_.base_disk_path(base_key_);
}

// What the box wrote is in its own disk and fits this base only, so it is neither exchanged nor refused.
void StartPlan::warn_of_lost_files() const {
  if (!call_.progress() || disk::writer_version_of(base_key_) >= disk::disk_writer_version) return;
  const auto lost = disk::count_lost_files(base_path());
  if (!lost || *lost == 0) return;
  call_.tell(
      {.stage = std::string(warning_stage),
       .detail = concat("an older version of BoxLite lost ", *lost,
                        " files of the image when it built this box's disk: they are missing or cannot be "
                        "read. Copy out what you need (boxlite cp), remove the box and make it anew")});
}

engine::MachineSpec StartPlan::machine_spec() const {
  engine::MachineSpec machine;
  machine.kernel = parts_->kernel;
  machine.initramfs = parts_->initramfs;
  machine.accelerator = parts_->engine.accelerator;
  machine.tsc_khz = parts_->engine.tsc_khz;
  machine.cpus = spec_.cpus;
  machine.memory_mib = static_cast<unsigned>(spec_.memory_mib);
  machine.disks = {{.path = paths_.disk(),
                    .format = engine::DiskFormat::qcow2,
                    .base = base_path(),
                    .is_read_only = false,
                    .size_bytes = spec_.disk_size_gib << 30}};
  return machine;
}

Result<shimlink::ShimConfig> StartPlan::shim_config() const {
  const auto image = BOXLITE_TRY(parse_kept_config(image_config_));
  const auto hostname = hostname_of(spec_, id_);
  wire::msg::ConfigureRequest configure;
  configure.set_hostname(hostname);
  configure_network(spec_.network, configure);
  wire::msg::StartContainerRequest start;
  *start.mutable_container() = BOXLITE_TRY(container_spec(spec_, image, hostname));

  add_tmpfs_mounts(spec_.systemd ? with_systemd_mounts(spec_.mounts) : spec_.mounts,
                   *start.mutable_container());
  add_socket_mounts(spec_.mounts, *start.mutable_container());
  start.mutable_container()->set_ca_certificates(BOXLITE_TRY(read_authorities(spec_.authorities)));

  shimlink::ShimConfig config;
  config.box_id = id_;
  config.home = around_.home();
  config.box_name = name_;
  config.box_dir = paths_.directory;
  config.machine = machine_spec();
  config.from = saved_;
  const auto ports = BOXLITE_TRY(wanted_ports(spec_.network, image.exposed_ports));
  config.network = network_config(spec_.network, ports, last_ports_);
  config.network.secrets = BOXLITE_TRY(load_secrets(paths_.secrets(), spec_.secrets));
  if (!spec_.secret_authorities.empty())
    config.network.secret_authorities = BOXLITE_TRY(read_authorities_at(spec_.secret_authorities));
  config.host_sockets = BOXLITE_TRY(host_sockets_of(spec_.mounts));
  config.folder_owner = BOXLITE_TRY(folder_owner_of(spec_.folder_owner));
  config.folders = BOXLITE_TRY(folders_of(spec_.mounts, around_.home() / "volumes"));
  config.engine = parts_->engine.engine;
  config.fileserver = parts_->fileserver;
  config.configure_request = configure.SerializeAsString();
  config.start_container_request = start.SerializeAsString();
  config.boot_timeout = boot_timeout(spec_, parts_->engine.accelerator);
  if (saved_) config.boot_timeout = std::min(config.boot_timeout, restore_timeout);
  config.stop_signal = BOXLITE_TRY(stop_signal(spec_, image));
  config.stop_grace = spec_.stop_timeout.value_or(config.stop_grace);
  config.is_detached = spec_.detach;
  config.log_file_bytes = spec_.logs.file_bytes;
  config.log_files = spec_.logs.files;
  if (main_ == MainStart::none) {
    config.is_maintenance = true;
    config.auto_stop = maintenance_time;
    return config;
  }
  config.is_disposable = spec_.auto_remove;
  config.client_starts_main = main_ == MainStart::by_client;
  if (const auto main = main_request(spec_, image); main.args_size() > 0) {
    config.main_request = main.SerializeAsString();
  }
  config.health = health_rule(spec_, image);
  config.auto_stop = spec_.auto_stop;
  config.restart = spec_.restart;
  return config;
}

Result<void> StartPlan::spawn_shim() {
  if (shim_) return {};
  // Before the shim replaces it.
  if (auto last = shimlink::read_shim_record(paths_.directory)) last_ports_ = std::move(last->ports);
  const auto config = BOXLITE_TRY(shim_config());
  shim_ = BOXLITE_TRY(shimlink::ShimProcess::spawn(parts_->shim, config));
  return {};
}

Result<void> StartPlan::wait_ready() {
  const auto deadline = call_.within(boot_timeout(spec_, parts_->engine.accelerator) + shim_slack);
  auto connection = agentlink::Connection::connect(around_.loop(), paths_.agent_socket(), deadline);
  if (!connection) return explain(std::move(connection).error());
  auto ready = (*connection)->call<wire::ShimWaitReady>({}, deadline);
  if (!ready) return explain(std::move(ready).error());
  for (const auto& stage : ready->stages()) {
    stages_.push_back(
        {stage.name(), std::chrono::microseconds(static_cast<std::int64_t>(stage.duration_us()))});
  }
  kernel_release_ = ready->kernel_release();
  vmm_pid_ = static_cast<int>(ready->vmm_pid());
  return {};
}

// A shim that gave up wrote down why; that says more than "connection lost". One whose main command has
// already ended had come up before.
Result<void> StartPlan::explain(Error error) {
  if (call_.is_over()) return fail(std::move(error));
  if (error.code() == ErrorCode::stopped || error.code() == ErrorCode::unavailable) {
    (void)shim_->wait(Deadline::after(shim_end_limit));
    auto evidence = gather_evidence(paths_);
    if (evidence && evidence->exit && evidence->exit->reason == shimlink::ExitReason::main_exited) {
      if (evidence->exit->message.empty()) return {};
      return fail(Error(ErrorCode::invalid_argument,
                        concat("the main command cannot be started: ", evidence->exit->message),
                        evidence->exit->exit_code == 127 ? ENOENT : ENOEXEC)
                      .with_remedy("check the command and that the image has it"));
    }
    // The shim may have been gone before it could be asked.
    if (evidence && evidence->exit && evidence->exit->phase == shimlink::network_phase)
      return fail(Error(ErrorCode::already_exists, evidence->exit->message)
                      .with_remedy("choose another port, or let one be chosen"));
    if (evidence && evidence->exit && !describe_failure(*evidence->exit).empty()) {
      return fail(Error(ErrorCode::stopped, describe_failure(*evidence->exit)).with_remedy(machine_remedy));
    }
    if (evidence && !evidence->last_words.empty()) {
      return fail(Error(ErrorCode::stopped, concat("boxlite-shim ended: ", evidence->last_words))
                      .with_remedy(machine_remedy));
    }
  }
  // More time helps a machine that is slow, and nobody else.
  const auto is_late = error.code() == ErrorCode::timed_out;
  return fail(std::move(error).with_remedy(is_late ? boot_remedy : machine_remedy));
}

void StartPlan::undo() {
  if (!shim_) return;
  // Dead or alive, it did not come up: there is nothing in it that could be lost.
  (void)shim_->kill();
  (void)shim_->wait(Deadline::after(shim_end_limit));
  shim_.reset();
}

store::BoxState StartPlan::running_state() const {
  store::BoxState state;
  state.status = name(BoxStatus::running);
  state.started_at = to_rfc3339(now());
  state.shim_pid = shim_ ? std::optional<int>(shim_->pid()) : std::nullopt;
  state.vmm_pid = vmm_pid_;
  state.accelerator = parts_ ? std::string(engine::name(parts_->engine.accelerator)) : std::string();
  state.kernel_release = kernel_release_;
  state.stages = to_json(stages_);
  return state;
}

}  // namespace boxlite::box
