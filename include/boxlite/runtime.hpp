// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box.hpp>
#include <boxlite/call_options.hpp>
#include <boxlite/disk_usage.hpp>
#include <boxlite/error.hpp>
#include <boxlite/events.hpp>
#include <boxlite/host.hpp>
#include <boxlite/images.hpp>
#include <boxlite/log.hpp>
#include <boxlite/metrics.hpp>
#include <boxlite/saved_machines.hpp>
#include <boxlite/volumes.hpp>

namespace boxlite {

// A registry and how to reach it.
struct RegistryOptions {
  std::string host = {};       // "ghcr.io", "localhost:5000"; no scheme, no path
  std::string mirror = {};     // host[:port][/path/prefix] asked first in its place; empty: none
  bool insecure_http = false;  // http:// instead of https://
  bool skip_verify = false;    // accept any certificate
  bool search = false;         // try unqualified names here, before docker.io
  std::string username = {};   // with `password`, or `token`; else Docker's credential files and helpers
  std::string password = {};
  std::string token = {};
};

struct RuntimeOptions {
  // Where boxes, images and disks live; absolute. Empty: $BOXLITE_HOME, else ~/.boxlite.
  std::filesystem::path home = {};
  // Where boxlite-shim and the guest's kernel and initramfs are. Empty: $BOXLITE_RUNTIME_DIR, then beside
  // this library or program (…/bin, ../libexec/boxlite, ../share/boxlite).
  std::filesystem::path runtime_dir = {};
  // automatic also honours $BOXLITE_ACCEL.
  Accelerator accelerator = Accelerator::automatic;
  std::vector<RegistryOptions> registries = {};
  // So many machines are kept ready for each kind of box that this Runtime starts (keep_ready); of the eight
  // most recent kinds. 0: none.
  unsigned ready_machines = 0;
  LogCallback log = {};
};

// When an image is looked for in a registry.
enum class PullPolicy {
  missing,  // when the home has none, at the first start
  always,   // now; what is here already is not fetched again
  never,    // not at all: not_found when the home has none
};

// The snake_case name of a policy, as in the enum. Thread-safe.
BOXLITE_API std::string_view name(PullPolicy policy);

struct CreateOptions {
  PullPolicy pull = PullPolicy::missing;
  // The caller starts the box next. Should this Runtime end before that, however it does, a box with
  // auto_remove is removed by the next one that opens the home. (Else it waits until somebody starts it.)
  bool start_follows = false;
};

struct WarmOptions {
  PullPolicy pull = PullPolicy::missing;
};

struct ListOptions {
  bool all = true;  // false: only running boxes
};

struct RemoveOptions {
  bool force = false;    // stop a running box first
  bool volumes = false;  // its anonymous volumes as well
};

struct BoxPruneOptions {
  bool volumes = false;  // their anonymous volumes as well
  bool dry_run = false;
};

struct Version {
  std::string boxlite = {};  // "0.1.0"
  std::string commit = {};   // empty in a release archive
};
BOXLITE_API Version version();

// A home directory in use: a handle, cheap to copy. Any number of Runtimes, in any number of processes, may
// use one home at once; none holds a lock on it. Opening one repairs what killed processes left behind. When
// the last handle goes, boxes that this Runtime started without `detach` are shut down.
//
// Thread-safe. Never prints, installs no signal handler. Callbacks should not throw:
// an exception out of one on a thread of the library's goes to `log` and no further (a transfer that it was
// to hear of fails), on the caller's own thread it reaches the caller.
class BOXLITE_API Runtime {
 public:
  // Creates the home when it is missing. unsupported when the home was written by a newer BoxLite.
  static Result<Runtime> open(RuntimeOptions options = {});
  explicit Runtime(std::shared_ptr<backend::Runtime> backend);

  const std::filesystem::path& home() const;

  // Checks the spec and records the box; nothing is started, and nothing pulled unless `options` say so.
  // already_exists when the name is taken.
  Result<Box> create(const BoxSpec& spec, const CreateOptions& options = {}, const CallOptions& call = {});

  // The box of that name (which the spec must have), made when there is none; then the spec of the one that
  // is there stays as it is. Of several processes that want it at once, one makes it.
  struct Obtained {
    Box box;
    bool was_created;
  };
  Result<Obtained> get_or_create(const BoxSpec& spec);

  // By id, unique prefix of an id, or name. not_found; invalid_argument when the prefix is ambiguous.
  Result<Box> get(std::string_view id_or_name) const;

  // Newest first.
  Result<std::vector<BoxInfo>> list(const ListOptions& options = {}) const;

  // Removes the box and its disk. invalid_state while it runs, unless forced.
  Result<void> remove(std::string_view id_or_name, const RemoveOptions& options = {});

  // Gives the box another name; what refers to it by id does not notice. Legal in any state; waits for a
  // start, a stop or a removal that is under way. already_exists when the name is taken, invalid_argument
  // when it is none. Later events bear the new name.
  Result<void> rename(std::string_view id_or_name, std::string_view new_name);

  // Removes the boxes that are stopped or failed, with their disks and logs; `removed` holds their ids. Boxes
  // that never ran stay: they hold nothing, and somebody may just be starting one. One that is started
  // meanwhile stays as well.
  Result<PruneReport> prune_boxes(const BoxPruneOptions& options = {});

  // Removes what belongs to nobody: directories of boxes that are not recorded, boxes that are meant to go by
  // now (auto_remove, auto_delete), and what Images::prune removes. Waits for nobody: what is in use, or just
  // being made, stays. Opening a home does the first two as well.
  Result<PruneReport> collect_garbage(const PruneOptions& options = {});

  // Does what the first start of such a box would do for all later ones: pulls the image, makes its disk and
  // the saved machines. Nothing is left running, no box is left. `spec` need not have a name; what it says of
  // commands does not matter.
  Result<void> warm(const BoxSpec& spec, const WarmOptions& options = {}, const CallOptions& call = {});
  // Keeps `count` machines up for boxes like this one (image, size, kind), for as long as this Runtime lives;
  // 0 ends that. The first start of such a box, by any process that uses the home, takes one instead of
  // making its own, and another one is made. Costs what idle boxes cost. warm() first, then returns when they
  // are ready; what fails later goes to the log. unsupported where there are no saved machines
  // (docs/explanation/saved-machines.md); invalid_argument for more than 64.
  Result<void> keep_ready(const BoxSpec& like, unsigned count, const WarmOptions& options = {},
                          const CallOptions& call = {});
  // The most recently used first.
  Result<std::vector<SavedMachine>> saved_machines() const;
  // Removes all saved machines; `removed` holds their ids. Boxes that run do not notice; the next start of
  // each kind makes them anew.
  Result<PruneReport> prune_saved_machines(const PruneOptions& options = {});

  Images images() const;
  Volumes volumes() const;

  // What happens in the home, or has happened, by whichever process.
  Result<EventReader> events(const EventOptions& options = {}) const;
  // Counts what was done in the home, by all processes since it was made.
  Result<RuntimeMetrics> metrics() const;

  // What the home takes of its disk, and what could go. Looks at every file: may take seconds in a large
  // home.
  Result<DiskUsage> disk_usage() const;

  // Looks at the host now; takes well under a second and changes nothing.
  Result<HostReport> check_host() const;

  // What the end of the last handle does, and an answer to how it went: shuts down boxes that this Runtime
  // started without `detach`, all at once, and ends the machines that it keeps ready. A box that has not
  // ended by itself when the call ends early is killed. Afterwards nothing can be started or created with any
  // handle of this Runtime (`stopped`). A second call is a success.
  Result<void> close(const CallOptions& call = {});

 private:
  std::shared_ptr<backend::Runtime> backend_;
};

}  // namespace boxlite
