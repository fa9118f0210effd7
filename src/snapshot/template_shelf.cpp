// SPDX-License-Identifier: Apache-2.0
#include "snapshot/template_shelf.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "engine/registry.h"
#include "freeze/file_identity.h"
#include "linux/files/file_copy.h"
#include "linux/files/file_lock.h"
#include "linux/files/private_directory.h"
#include "linux/process/process_identity.h"
#include "oci/digest.h"
#include "shimlink/shim_process.h"
#include "shimlink/shim_record.h"
#include "snapshot/template_manifest.h"

namespace boxlite::snapshot {
namespace {

constexpr std::string_view memory_name = "memory";
constexpr std::string_view state_name = "state";
constexpr std::string_view disk_name = "disk";
constexpr std::string_view pages_name = "pages";
constexpr std::string_view manifest_name = "manifest.json";
constexpr std::string_view work_name = "work";  // what the machine needs while it is made
constexpr std::string_view stamp_name = "verified";
constexpr std::string_view half_made = ".new";
constexpr std::string_view lock_suffix = ".lock";
constexpr std::string_view half_gone = ".gone";
constexpr std::string_view no_freezing = "no-freezing";  // with the boot's id behind it; says why
constexpr std::chrono::milliseconds save_time{30'000};
constexpr std::chrono::milliseconds kill_time{5'000};
constexpr std::chrono::milliseconds killed_maker_limit{3000};
constexpr std::size_t most_templates = 8;

engine::Snapshot files_in(const std::filesystem::path& place) {
  engine::Snapshot files{.memory = place / memory_name, .state = place / state_name};
  struct stat status = {};
  if (::stat((place / disk_name).c_str(), &status) == 0) files.disk = place / disk_name;
  if (::stat((place / pages_name).c_str(), &status) == 0) files.pages = place / pages_name;
  return files;
}

Result<TemplateManifest> manifest_of(const engine::Snapshot& files) {
  TemplateManifest manifest;
  manifest.memory_digest = BOXLITE_TRY(digest_of_data(files.memory));
  manifest.state_digest = BOXLITE_TRY(digest_of_data(files.state));
  if (!files.disk.empty()) manifest.disk_digest = BOXLITE_TRY(digest_of_data(files.disk));
  if (files.is_warm()) manifest.pages_digest = BOXLITE_TRY(digest_of_data(files.pages));
  return manifest;
}

// A program or file by what tells one version of it from the next.
Result<std::string> identity_of(const std::filesystem::path& file) {
  const auto identity = BOXLITE_TRY(freeze::identify_file(file));
  return concat(file.native(), " ", identity.device, ":", identity.inode, ":", identity.size, ":",
                identity.changed_s, ".", identity.changed_ns, "\n");
}

// What decides about the content of a template, and nothing that differs between boxes.
engine::MachineSpec blank_machine(engine::MachineSpec machine) {
  machine.memory_file.clear();
  for (auto& disk : machine.disks) {
    disk.format = engine::DiskFormat::blank;
    disk.path.clear();
    disk.base.clear();
  }
  return machine;
}

Result<bool> is_whole(const std::filesystem::path& place, const engine::EngineConfig& config) {
  const auto files = files_in(place);
  // What the engine does not go on from is as good as damaged.
  const auto engine = BOXLITE_TRY(engine::make(config));
  if (!BOXLITE_TRY(engine->can_go_on_from(files))) return false;
  const auto now = BOXLITE_TRY(fingerprint(files));
  const auto stamp = read_file(place / stamp_name);
  if (stamp && *stamp == now) return true;
  const auto text = BOXLITE_TRY(read_file(place / manifest_name));
  if (BOXLITE_TRY(parse_template_manifest(text)) != BOXLITE_TRY(manifest_of(files))) return false;
  BOXLITE_TRY(write_file_atomic(place / stamp_name, now));
  return true;
}

// Its machine ends by itself once it has noticed.
Result<void> await_killed_maker(const std::filesystem::path& work) {
  if (!is_there(work / shimlink::shim_lock_name)) return {};
  BOXLITE_TRY_CONTEXT("wait for a killed maker",
                      linux_::FileLock::acquire(work / shimlink::shim_lock_name, linux_::LockMode::shared,
                                                Deadline::after(killed_maker_limit)));
  return {};
}

Result<std::uint64_t> bytes_below(const std::filesystem::path& place) {
  std::uint64_t bytes = 0;
  const auto files = files_in(place);
  for (const auto* const file : {&files.memory, &files.state, &files.disk, &files.pages}) {
    struct stat status = {};
    if (file->empty()) continue;
    if (::stat(file->c_str(), &status) != 0) return fail(syscall_error("stat", file->native(), errno));
    bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace

bool TemplateRecipe::can_be_warm() const {
  const auto made = engine::make(engine);
  return made && (*made)->capabilities(machine.accelerator).can_snapshot_warm;
}

Result<std::string> TemplateShelf::shape_of(const TemplateRecipe& recipe) {
  const auto engine = BOXLITE_TRY(engine::make(recipe.engine));
  oci::Hasher hasher;
  hasher.update(BOXLITE_TRY(engine->fingerprint(blank_machine(recipe.machine))));
  hasher.update(recipe.is_warm ? "\nwarm\n" : "\n");
  if (recipe.image) {
    hasher.update(BOXLITE_TRY(identity_of(recipe.image->base)));
    hasher.update(recipe.image->start_container_request);
  }
  return hasher.finish().hex().substr(0, 24);
}

Result<std::optional<engine::Snapshot>> TemplateShelf::find(const std::string& shape,
                                                            const engine::EngineConfig& engine) {
  const auto where = place(shape);
  struct stat status = {};
  if (::stat(where.c_str(), &status) != 0) return std::optional<engine::Snapshot>();
  // It is run as it is, and its digests stand beside it.
  for (const auto& directory : {directory_, where}) BOXLITE_TRY(linux_::check_private(directory));
  const auto whole = is_whole(where, engine);
  if (!whole || !*whole) {
    BOXLITE_TRY(discard(shape));
    return std::optional<engine::Snapshot>();
  }
  // For prune(): when it was last used.
  (void)::utimensat(AT_FDCWD, (where / manifest_name).c_str(), nullptr, 0);
  return std::optional(files_in(where));
}

Result<engine::Snapshot> TemplateShelf::make(const std::string& shape, const TemplateRecipe& recipe,
                                             const Deadline& deadline) {
  BOXLITE_TRY(make_directories(directory_));
  const auto lock = BOXLITE_TRY(linux_::FileLock::acquire(directory_ / concat(shape, lock_suffix),
                                                          linux_::LockMode::exclusive, deadline));
  // Somebody else may have been quicker.
  if (auto found = BOXLITE_TRY(find(shape, recipe.engine))) return *std::move(found);
  const auto fresh = directory_ / concat(shape, half_made);
  BOXLITE_TRY(await_killed_maker(fresh / work_name));
  BOXLITE_TRY(remove_tree(fresh));
  ScopeExit remove_fresh([&] { (void)remove_tree(fresh); });
  BOXLITE_TRY(boot_and_save(fresh, recipe, deadline.stop()));
  const auto files = files_in(fresh);
  const auto manifest = BOXLITE_TRY(manifest_of(files));
  BOXLITE_TRY(write_file_atomic(fresh / manifest_name, to_json(manifest)));
  const auto stamp = BOXLITE_TRY(fingerprint(files));
  BOXLITE_TRY(write_file_atomic(fresh / stamp_name, stamp));
  (void)prune(most_templates - 1);
  if (::rename(fresh.c_str(), place(shape).c_str()) != 0)
    return fail(syscall_error("rename", fresh.native(), errno));
  remove_fresh.release();
  return files_in(place(shape));
}

Result<void> TemplateShelf::boot_and_save(const std::filesystem::path& fresh, const TemplateRecipe& recipe,
                                          const std::stop_token& stop) const {
  const auto work = fresh / work_name;
  BOXLITE_TRY(make_directories(work / shimlink::temporary_dir_name));
  const auto config = BOXLITE_TRY(maker_config(fresh, recipe));
  auto process = BOXLITE_TRY(shimlink::ShimProcess::spawn(recipe.shim, config));
  const auto limit = Deadline::at(Deadline::Clock::now() + recipe.limit + save_time, stop);
  const auto ended = process.wait(limit);
  if (!ended) {
    // Nothing of it is of use to anybody, and its directory is to go.
    (void)process.kill();
    (void)process.wait(Deadline::after(kill_time));
    return fail(Error(ended.error()).context("make template"));
  }
  const auto& end = *ended;
  if (end == linux_::ChildEnd{}) return remove_tree(work);
  const auto words = read_file(work / shimlink::shim_stderr_name);
  const bool is_impossible =
      recipe.is_warm && end == linux_::ChildEnd{.exit_code = shimlink::cannot_snapshot};
  return fail(is_impossible ? ErrorCode::unsupported : ErrorCode::unavailable,
              concat("make template: boxlite-shim ended with ", to_string(end), ": ", words ? *words : ""));
}

Result<shimlink::ShimConfig> TemplateShelf::maker_config(const std::filesystem::path& fresh,
                                                         const TemplateRecipe& recipe) const {
  const auto work = fresh / work_name;
  shimlink::ShimConfig config;
  config.box_id = "template";
  config.home = directory_.parent_path();
  config.box_dir = work;
  config.engine = recipe.engine;
  config.boot_timeout = recipe.limit;
  config.machine = blank_machine(recipe.machine);
  config.from = recipe.saved;
  if (recipe.saved) BOXLITE_TRY(linux_::copy_sparse(recipe.saved->memory, fresh / memory_name));
  if (const auto& image = recipe.image) {
    BOXLITE_TRY(image->make_disk(fresh / disk_name));
    config.machine.disks.front() = {
        .path = fresh / disk_name, .format = engine::DiskFormat::qcow2, .base = image->base};
    config.configure_request = image->configure_request;
    config.start_container_request = image->start_container_request;
  }
  if (recipe.is_warm) {
    config.snapshot_into = engine::Snapshot{.memory = fresh / memory_name,
                                            .state = fresh / state_name,
                                            .pages = fresh / pages_name,
                                            .disk = fresh / disk_name};
  } else {
    config.machine.memory_file = fresh / memory_name;
    config.snapshot_into = engine::Snapshot{.memory = fresh / memory_name, .state = fresh / state_name};
  }
  return config;
}

Result<void> TemplateShelf::discard(const std::string& shape) {
  // Away under its name first: no process may find half of it.
  const auto where = place(shape);
  const auto gone = directory_ / concat(shape, half_gone);
  BOXLITE_TRY(remove_tree(gone));
  if (::rename(where.c_str(), gone.c_str()) != 0 && errno != ENOENT)
    return fail(syscall_error("rename", where.native(), errno));
  return remove_tree(gone);
}

Result<std::vector<TemplateEntry>> TemplateShelf::list() const {
  std::vector<TemplateEntry> entries;
  for (const auto& item : entries_of(directory_)) {
    const auto name = item.filename().native();
    struct stat used = {};
    if (name.find('.') != std::string::npos) continue;
    if (::stat((item / manifest_name).c_str(), &used) != 0) continue;
    const auto bytes = bytes_below(item);
    if (!bytes) continue;
    const auto at =
        std::chrono::seconds(used.st_mtim.tv_sec) + std::chrono::nanoseconds(used.st_mtim.tv_nsec);
    entries.push_back({.shape = name,
                       .has_image = !files_in(item).disk.empty(),
                       .is_warm = files_in(item).is_warm(),
                       .used_at = Timestamp(std::chrono::duration_cast<Timestamp::duration>(at)),
                       .bytes = *bytes});
  }
  std::ranges::sort(entries, std::greater(), &TemplateEntry::used_at);
  return entries;
}

bool TemplateShelf::can_make_warm() const {
  const auto boot = linux_::boot_id();
  return boot && !is_there(directory_ / concat(no_freezing, ".", *boot));
}

Result<void> TemplateShelf::give_up_warm(std::string_view why) {
  BOXLITE_TRY(make_directories(directory_));
  return write_file_atomic(directory_ / concat(no_freezing, ".", BOXLITE_TRY(linux_::boot_id())), why);
}

// What killed makers and removers left, and what earlier boots of the host have found out.
void TemplateShelf::sweep(bool forget_this_boot) const {
  const auto boot = linux_::boot_id();
  for (const auto& path : entries_of(directory_)) {
    const auto shape = path.stem().native();
    const auto suffix = path.extension().native();
    if (shape == no_freezing && (forget_this_boot || !boot || suffix != "." + *boot)) (void)remove_tree(path);
    if (suffix != half_made && suffix != half_gone) continue;
    // Somebody may be at it.
    const auto held =
        linux_::FileLock::try_acquire(directory_ / concat(shape, lock_suffix), linux_::LockMode::exclusive);
    if (held) (void)remove_tree(path);
  }
}

Result<std::vector<TemplateEntry>> TemplateShelf::prune(std::size_t keep) {
  sweep(keep == 0);
  auto entries = BOXLITE_TRY(list());
  entries.erase(entries.begin(),
                entries.begin() + static_cast<std::ptrdiff_t>(std::min(keep, entries.size())));
  for (const auto& entry : entries) BOXLITE_TRY(discard(entry.shape));
  return entries;
}

}  // namespace boxlite::snapshot
