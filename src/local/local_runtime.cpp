// SPDX-License-Identifier: Apache-2.0
#include "local/local_runtime.h"

#include "base/caught_exception.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/real_path.h"
#include "base/reserve.h"
#include "box/life/announcement.h"
#include "box/life/lifecycle.h"
#include "box/life/status.h"
#include "box/spec/authorities.h"
#include "box/spec/mounts.h"
#include "box/spec/secrets.h"
#include "box/spec/spec_check.h"
#include "box/spec/spec_json.h"
#include "local/box/local_box.h"
#include "local/ending_threads.h"
#include "local/home/host_facts.h"
#include "shimlink/ready_machines.h"

namespace boxlite::local {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds settle_limit = 20s;
constexpr std::string_view no_box_remedy = "`boxlite ls --all` shows the boxes of this home";

// The program's callback may throw; there is no caller to be told of that.
void tell(const LogCallback& log, LogLevel level, std::string_view message) noexcept {
  try {
    if (log) log(level, message);
  } catch (...) {
    return;
  }
}

store::BoxRecord new_record(const BoxSpec& spec) {
  store::BoxRecord record;
  record.id = new_id();
  record.name = spec.name;
  record.created_at = to_rfc3339(now());
  record.spec = box::to_json(spec);
  record.state.status = name(BoxStatus::configured);
  record.state.stages = "[]";
  return record;
}

}  // namespace

Result<std::shared_ptr<LocalRuntime>> LocalRuntime::open(RuntimeOptions options) {
  auto home = BOXLITE_TRY(Home::open(options.home));
  auto boxes = std::make_unique<store::BoxTable>(BOXLITE_TRY(store::BoxTable::open(home.database())));
  auto volumes = BOXLITE_TRY(LocalVolumes::open(home, *boxes));
  std::shared_ptr<IoThread> io = BOXLITE_TRY(IoThread::start(
      [log = options.log](const Error& error) { tell(log, LogLevel::error, error.message()); }));
  auto images = BOXLITE_TRY(LocalImages::open(home, Installation::find(options.runtime_dir), *boxes,
                                              options.registries, io->loop()));
  std::shared_ptr<LocalRuntime> runtime(
      new LocalRuntime(std::move(options), std::move(home), std::move(boxes), std::move(images),
                       std::move(volumes), std::move(io)),
      end);
  runtime->recover();
  Reserve(runtime->home()).refill();
  return runtime;
}

LocalRuntime::LocalRuntime(RuntimeOptions options, Home home, std::unique_ptr<store::BoxTable> boxes,
                           std::unique_ptr<LocalImages> images, std::unique_ptr<LocalVolumes> volumes,
                           std::shared_ptr<IoThread> io)
    : options_(std::move(options)),
      home_(std::move(home)),
      installation_(Installation::find(options_.runtime_dir)),
      boxes_(std::move(boxes)),
      images_(std::move(images)),
      volumes_(std::move(volumes)),
      io_(std::move(io)),
      keeper_(io_->loop(), [this](const std::string& box_id) { settle(box_id); }),
      ready_keeper_(
          io_->loop(),
          [this](const BoxSpec& like) -> Result<shimlink::AddedMachine> {
            try {
              return add_ready_machine(like);
            } catch (...) {
              return fail(caught_exception("add a machine"));
            }
          },
          [this](const Error& why) {
            log(LogLevel::warn, concat("keep a machine ready: ", why.message()));
          }) {}

LocalRuntime::~LocalRuntime() {
  (void)close({});
  io_->stop();
}

Result<void> LocalRuntime::close(const CallOptions& call) {
  const std::lock_guard lock(closing_);
  is_closed_ = true;
  ready_keeper_.close();
  shimlink::ReadyMachines(home()).remove_leftovers();
  return keeper_.close(box::deadline_of(call));
}

// The last handle may go in a callback, but the I/O thread cannot wait for its own end.
void LocalRuntime::end(LocalRuntime* runtime) {
  if (runtime->io_->is_current()) {
    run_before_exit([runtime] { delete runtime; });
  } else {
    delete runtime;
  }
}

void LocalRuntime::log(LogLevel level, std::string_view message) const {
  tell(options_.log, level, message);
}

Result<void> LocalRuntime::check_open() const {
  if (!is_closed_) return {};
  return fail(ErrorCode::stopped, "the runtime was closed");
}

// One that is missing is pulled by the first start.
Result<void> LocalRuntime::obey(PullPolicy policy, const BoxSpec& spec, const CallOptions& call) {
  if (policy == PullPolicy::always) BOXLITE_TRY(images_->pull(spec.image, {.platform = spec.platform}, call));
  if (policy == PullPolicy::never) BOXLITE_TRY(images_->require_stored(spec.image, spec.platform));
  return {};
}

Result<std::shared_ptr<backend::Box>> LocalRuntime::create(const BoxSpec& spec, const CreateOptions& options,
                                                           const CallOptions& call) {
  BOXLITE_TRY(check_open());
  BOXLITE_TRY_CONTEXT("create box", box::check(spec));
  BOXLITE_TRY_CONTEXT("create box", check_on_host(spec));
  auto complete = spec;
  LocalVolumes::name_anonymous(complete.mounts);
  const auto distrusted = BOXLITE_TRY_CONTEXT("create box", box::writable_folders(*boxes_));
  BOXLITE_TRY_CONTEXT("create box", box::follow_symlinks(complete.mounts, distrusted));
  if (!complete.secret_authorities.empty()) {
    complete.secret_authorities =
        BOXLITE_TRY_CONTEXT("create box", real_path(complete.secret_authorities, distrusted));
    BOXLITE_TRY_CONTEXT("create box", box::read_authorities_at(complete.secret_authorities));
  }
  BOXLITE_TRY(obey(options.pull, spec, call));
  const auto record = new_record(complete);
  // The volumes first: a process that is killed in between leaves one that `prune` finds.
  BOXLITE_TRY_CONTEXT("create box", volumes_->require(complete.mounts));
  const bool is_for_once = options.start_follows && spec.auto_remove;
  if (auto inserted = insert(record, is_for_once); !inserted) {
    (void)volumes_->drop_anonymous(complete.mounts);
    return fail(std::move(inserted).error().context("create box"));
  }
  // After the row, lest somebody take the directory for one that was left.
  const auto kept =
      box::keep_secret_values(box::BoxPaths(home_.directory, record.id).secrets(), complete.secrets);
  if (!kept) {
    forget_intention(record.id);
    (void)boxes_->erase(record.id);
    (void)volumes_->drop_anonymous(complete.mounts);
    return fail(Error(kept.error()).context("create box"));
  }
  box::announce(*this, record, journal::event_type::create, {{"image", spec.image}});
  box::count(*this, journal::Counter::boxes_created);
  return box(record.id);
}

// The intention first: whoever is killed in between leaves a directory, which goes.
Result<void> LocalRuntime::insert(const store::BoxRecord& record, bool start_follows) {
  if (!start_follows) return boxes_->insert(record);
  const box::BoxPaths paths(home_.directory, record.id);
  auto unborn = BOXLITE_TRY(box::StartIntention::declare_unborn(paths));
  if (auto inserted = boxes_->insert(record); !inserted) {
    (void)remove_tree(paths.directory);
    return inserted;
  }
  const std::lock_guard lock(mutex_);
  intentions_.emplace(record.id, std::move(unborn.intention));
  return {};
}

void LocalRuntime::forget_intention(const std::string& box_id) {
  const std::lock_guard lock(mutex_);
  intentions_.erase(box_id);
}

Result<std::string> LocalRuntime::resolve_id(std::string_view id_or_name) {
  const auto found = BOXLITE_TRY(boxes_->find(id_or_name));
  if (found.size() == 1) return found.front().id;
  if (found.empty()) {
    return fail(
        Error(ErrorCode::not_found, concat("no box ", in_quotes(id_or_name))).with_remedy(no_box_remedy));
  }
  std::vector<std::string> ids;
  for (const auto& record : found) ids.push_back(record.id);
  return fail(ErrorCode::invalid_argument,
              concat("box ", in_quotes(id_or_name), " is ambiguous: ", join(ids, ", ")));
}

std::shared_ptr<LocalBox> LocalRuntime::box(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto& known = live_boxes_[id];
  if (auto live = known.lock()) return live;
  std::erase_if(live_boxes_, [&](const auto& entry) { return entry.first != id && entry.second.expired(); });
  auto fresh = std::make_shared<LocalBox>(shared_from_this(), id);
  live_boxes_[id] = fresh;
  return fresh;
}

Result<std::shared_ptr<backend::Box>> LocalRuntime::get(std::string_view id_or_name) {
  return box(BOXLITE_TRY(resolve_id(id_or_name)));
}

Result<backend::Runtime::Obtained> LocalRuntime::get_or_create(const BoxSpec& spec) {
  if (spec.name.empty()) return fail(ErrorCode::invalid_argument, "get or create box: the spec has no name");
  while (true) {
    const auto found = get(spec.name);
    // An id that begins like the name is another box.
    if (found) {
      const auto facts = (*found)->info();
      if (facts && facts->spec.name == spec.name) return Obtained{*found, false};
    } else if (found.error().code() != ErrorCode::not_found &&
               found.error().code() != ErrorCode::invalid_argument) {
      return std::unexpected(found.error());
    }
    const auto made = create(spec, {}, {});
    if (made) return Obtained{*made, true};
    // Somebody was faster; it may even be gone again by now.
    if (made.error().code() != ErrorCode::already_exists) return std::unexpected(made.error());
  }
}

Result<std::vector<BoxInfo>> LocalRuntime::list(const ListOptions& options) {
  std::vector<BoxInfo> found;
  for (const auto& listed : BOXLITE_TRY(boxes_->list())) {
    box::Lifecycle lifecycle(*this, listed.id);
    const auto record = lifecycle.look();
    if (!record && record.error().code() == ErrorCode::not_found) continue;  // removed meanwhile
    if (!record) return std::unexpected(record.error());
    auto facts = BOXLITE_TRY(box_facts(*record, lifecycle.paths()));
    const bool is_up = facts.status == BoxStatus::running || facts.status == BoxStatus::paused ||
                       facts.status == BoxStatus::restarting || facts.status == BoxStatus::stopping;
    if (options.all || is_up) found.push_back(std::move(facts));
  }
  return found;
}

Result<void> LocalRuntime::remove(std::string_view id_or_name, const RemoveOptions& options) {
  const auto id = BOXLITE_TRY(resolve_id(id_or_name));
  const auto record = BOXLITE_TRY(boxes_->get(id));
  const auto spec = box::parse_box_spec(record.spec);
  BOXLITE_TRY_CONTEXT(concat("remove box ", id), box::Lifecycle(*this, id).remove(options.force));
  forget_intention(id);
  if (spec && (options.volumes || spec->auto_remove)) drop_volumes(spec->mounts);
  return {};
}

Result<void> LocalRuntime::rename(std::string_view id_or_name, std::string_view new_name) {
  const auto id = BOXLITE_TRY(resolve_id(id_or_name));
  BOXLITE_TRY_CONTEXT(concat("rename box ", in_quotes(id_or_name)),
                      box::Lifecycle(*this, id).rename(new_name));
  return {};
}

Result<void> LocalRuntime::require_volumes(const std::vector<Mount>& mounts) {
  return volumes_->require(mounts);
}

void LocalRuntime::drop_volumes(const std::vector<Mount>& mounts) {
  const auto dropped = volumes_->drop_anonymous(mounts);
  if (!dropped) log(LogLevel::warn, concat("remove anonymous volumes: ", dropped.error().message()));
}

engine::EngineRequest LocalRuntime::engine_request() const {
  engine::EngineRequest request;
  if (options_.accelerator == Accelerator::kvm) request.accelerator = engine::Accelerator::kvm;
  if (options_.accelerator == Accelerator::tcg) request.accelerator = engine::Accelerator::tcg;
  request.cache_file = home_.engine_cache();
  return request;
}

Result<HostReport> LocalRuntime::check_host() {
  return host_facts(engine::check_host(engine_request(), home_.directory), installation_);
}

Result<image::Image> LocalRuntime::require_image(const BoxSpec& spec, const box::Call& call) {
  return images_->require(spec.image, spec.platform, call);
}

Result<box::BaseDisk> LocalRuntime::require_base_disk(const image::Image& image, const BoxSpec& spec,
                                                      const box::Call& call) {
  return images_->disks().require(image, spec.disk_size_gib, call);
}

std::filesystem::path LocalRuntime::base_disk_path(const std::string& key) const {
  return images_->disks().path_of(key);
}

Result<box::MachineParts> LocalRuntime::machine_parts() {
  BOXLITE_TRY(check_open());
  box::MachineParts parts;
  parts.shim = BOXLITE_TRY(installation_.shim());
  auto request = engine_request();
  request.helper = BOXLITE_TRY(installation_.thaw());
  parts.fileserver = BOXLITE_TRY(installation_.fileserver());
  parts.kernel = BOXLITE_TRY(installation_.kernel());
  parts.initramfs = BOXLITE_TRY(installation_.initramfs());
  parts.engine = BOXLITE_TRY(engine::choose_engine(request));
  return parts;
}

void LocalRuntime::adopt(std::string_view box_id, shimlink::ShimProcess shim, bool is_detached) {
  forget_intention(std::string(box_id));
  log(LogLevel::info, concat("box ", box_id, " is running"));
  keeper_.adopt(std::string(box_id), std::move(shim), is_detached);
}

void LocalRuntime::settle(const std::string& box_id) {
  try {
    record_end(box_id);
  } catch (...) {
    log(LogLevel::error, caught_exception(concat("record the end of box ", box_id)).message());
  }
}

void LocalRuntime::record_end(const std::string& box_id) {
  const auto settled = box::Lifecycle(*this, box_id).settle(Deadline::after(settle_limit));
  if (settled) {
    log(LogLevel::info, concat("box ", box_id, " has stopped"));
  } else if (settled.error().code() != ErrorCode::not_found) {  // else removed by another process
    log(LogLevel::warn, concat("record the end of box ", box_id, ": ", settled.error().message()));
  }
}

}  // namespace boxlite::local
