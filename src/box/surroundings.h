// SPDX-License-Identifier: Apache-2.0
// What a box needs of the runtime it lives in.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box.hpp>

#include "base/result.h"
#include "box/call.h"
#include "engine/host_check.h"
#include "image/image.h"
#include "linux/event_loop.h"
#include "shimlink/shim_process.h"
#include "store/box_table.h"

namespace boxlite::box {

// The programs and files a machine is started with, and what executes it.
struct MachineParts {
  std::filesystem::path shim;
  std::filesystem::path fileserver;
  std::filesystem::path kernel;
  std::filesystem::path initramfs;
  engine::EngineChoice engine;
};

// The read-only disk that an image was turned into. `hold` keeps it from being pruned until a row refers to
// it.
struct BaseDisk {
  std::string key;  // its name for ever: the chain id of the image, and the writer's version
  std::filesystem::path path;
  std::shared_ptr<void> hold;
};

// Implemented by the runtime. Thread-safe; outlives every box.
class Surroundings {
 public:
  virtual ~Surroundings() = default;

  virtual const std::filesystem::path& home() const = 0;
  virtual store::BoxTable& boxes() = 0;
  virtual linux_::EventLoop& loop() = 0;

  // The image as stored; pulled when it is not.
  virtual Result<image::Image> require_image(const BoxSpec& spec, const Call& call) = 0;
  // Its disk; made when it is not there.
  virtual Result<BaseDisk> require_base_disk(const image::Image& image, const BoxSpec& spec,
                                             const Call& call) = 0;
  // Where one is that was made once.
  virtual std::filesystem::path base_disk_path(const std::string& key) const = 0;
  // The volumes of the mounts; made when they are not there.
  virtual Result<void> require_volumes(const std::vector<Mount>& mounts) = 0;
  // The box that had these mounts is gone, and its anonymous volumes go with it.
  virtual void drop_volumes(const std::vector<Mount>& mounts) = 0;
  // Looked up anew each time: the engine or the kernel may be installed while we run.
  virtual Result<MachineParts> machine_parts() = 0;

  // A box has started for the first time: others like it may follow.
  virtual void note_first_start(const BoxSpec& spec) = 0;
  // Takes over a shim that has come up; when it ends, settles the box.
  virtual void adopt(std::string_view box_id, shimlink::ShimProcess shim, bool is_detached) = 0;
};

}  // namespace boxlite::box
