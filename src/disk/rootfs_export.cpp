// SPDX-License-Identifier: Apache-2.0
#include "disk/rootfs_export.h"

#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "base/scope_exit.h"
#include "disk/directory_writer.h"
#include "disk/layer_application.h"

namespace boxlite::disk {
namespace {

Result<ExportedRootfs> fill(std::span<const LayerSource> layers, const std::filesystem::path& directory,
                            const ExportOptions& options) {
  const bool is_root = ::geteuid() == 0;
  const bool is_exact =
      options.ownership == Ownership::exact || (options.ownership == Ownership::automatic && is_root);
  DirectoryWriter writer = BOXLITE_TRY(DirectoryWriter::open(directory, is_exact));
  FileTree tree(writer, options.limits.metadata_bytes);
  BOXLITE_TRY(apply_layers(layers, {options.limits, options.progress, options.stop}, tree, writer));
  if (options.progress) options.progress({BuildStage::metadata, 0, 0});
  BOXLITE_TRY(writer.finish(tree));
  return ExportedRootfs{tree.inode_count(), writer.lost_xattrs()};
}

void remove_content(const std::filesystem::path& directory) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(directory, ignored), end; entry != end;
       entry.increment(ignored)) {
    static_cast<void>(remove_tree(entry->path()));
  }
}

}  // namespace

Result<ExportedRootfs> export_rootfs(std::span<const LayerSource> layers,
                                     const std::filesystem::path& directory, const ExportOptions& options) {
  const std::string what = concat("export image to ", in_quotes(directory.native()));
  std::error_code problem;
  const bool existed = std::filesystem::exists(std::filesystem::symlink_status(directory, problem));
  if (existed && !std::filesystem::is_empty(directory, problem)) {
    return fail(Error(ErrorCode::already_exists, concat(what, ": the directory is not empty"))
                    .with_remedy("name a directory that is empty or does not exist"));
  }
  if (problem && existed)
    return fail(syscall_error("open", directory.native(), problem.value()).context(what));
  if (!existed) BOXLITE_TRY_CONTEXT(what, make_directories(directory, 0755));
  ScopeExit undo([&] {
    if (existed) {
      remove_content(directory);
    } else {
      static_cast<void>(remove_tree(directory));
    }
  });
  const ExportedRootfs exported = BOXLITE_TRY_CONTEXT(what, fill(layers, directory, options));
  undo.release();
  return exported;
}

}  // namespace boxlite::disk
