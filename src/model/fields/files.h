// SPDX-License-Identifier: Apache-2.0
// Files of a box: what is asked for, and what is told of them.
#pragma once

#include <boxlite/files.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<CopyOptions> auto& options) {
  field("recursive", options.recursive);
  field("overwrite", options.overwrite);
  field("follow_symlinks", options.follow_symlinks);
  field("include_parent", options.include_parent);
  field("archive", options.archive);
  field("max_bytes", options.max_bytes);
}

void describe(auto& field, Of<CopyReport> auto& report) {
  field("files", report.files);
  field("bytes", report.bytes);
  field("skipped_existing", report.skipped_existing);
  field("skipped_special", report.skipped_special);
}

void describe(auto& field, Of<FileInfo> auto& file) {
  field("name", file.name);
  field("kind", file.kind);
  field("mode", file.mode);
  field("uid", file.uid);
  field("gid", file.gid);
  field("size", file.size);
  field("modified", file.modified);
  field("inode", file.inode);
  field("links", file.links);
  field("link_target", file.link_target);
}

void describe(auto& field, Of<StatOptions> auto& options) {
  field("follow_symlinks", options.follow_symlinks);
}

void describe(auto& field, Of<MakeDirectoryOptions> auto& options) {
  field("parents", options.parents);
  field("mode", options.mode);
}

void describe(auto& field, Of<RemoveFileOptions> auto& options) {
  field("recursive", options.recursive);
}

void describe(auto& field, Of<RenameOptions> auto& options) {
  field("overwrite", options.overwrite);
}

void describe(auto& field, Of<WatchOptions> auto& options) {
  field("recursive", options.recursive);
}

void describe(auto& field, Of<ReadRange> auto& range) {
  field("offset", range.offset);
  field("length", range.length);
}

void describe(auto& field, Of<WriteOptions> auto& options) {
  field("create", options.create);
  field("exclusive", options.exclusive);
  field("append", options.append);
  field("truncate", options.truncate);
  field("offset", options.offset);
  field("mode", options.mode);
}

void describe(auto& field, Of<FileEvent> auto& event) {
  field("kind", event.kind);
  field("path", event.path);
  field("is_directory", event.is_directory);
  field("move", event.move);
}

}  // namespace boxlite::model
