// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "disk/file_tree.h"
#include "disk/layer.h"
#include "tar/tar_reader.h"

namespace boxlite::disk {

using tar::TarReader;

// Adds up layers, lowest first, as the OCI image specification and umoci do: later entries replace earlier
// ones, a directory over a directory keeps its children, `.wh.NAME` and `.wh..wh..opq` hide what lower layers
// brought.
class LayerApplication {
 public:
  LayerApplication(FileTree& tree, ContentSink& sink, std::uint64_t entry_limit)
      : tree_(tree), sink_(sink), entries_left_(entry_limit), entry_limit_(entry_limit) {}

  // Layers are numbered from 1 in the order of the calls. `tick` is called for every entry and piece of
  // content and may end it with an error.
  Result<void> apply(TarReader& layer, const std::function<Result<void>()>& tick);

 private:
  Result<void> apply_entry(TarReader& layer, TarEntry& entry);
  Result<void> apply_root(const TarEntry& entry);
  Result<void> hide(const Location& parent, std::string_view hidden);
  Result<void> hide_all(const Location& parent);
  Result<void> place(TarReader& layer, const Location& parent, const std::string& name, TarEntry& entry);
  Result<std::shared_ptr<Inode>> link_target(const TarEntry& entry);
  Result<void> copy_content(TarReader& layer, Inode& file);

  FileTree& tree_;
  ContentSink& sink_;
  std::uint64_t entries_left_;
  std::uint64_t entry_limit_;
  std::uint32_t layer_ = 0;
  const std::function<Result<void>()>* tick_ = nullptr;
};

// Opens, applies and verifies each of `layers`, with limits, progress and cancellation.
struct LayerRun {
  LayerLimits limits;
  ProgressCallback progress;
  std::stop_token stop;
};
Result<void> apply_layers(std::span<const LayerSource> layers, const LayerRun& run, FileTree& tree,
                          ContentSink& sink);

}  // namespace boxlite::disk
