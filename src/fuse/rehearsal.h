// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace boxlite::fuse {

// Answers, as the host's file server would, for a file system with one file in it, of some bytes; what is
// written to it, made and removed is nowhere. So a guest's kernel can do once what it does for each folder,
// when there is no host to ask yet. Until the stream ends.
void serve_one_file(int stream_fd);

// What programs do in such a file system, mounted at `root`.
void use_one_file(const std::filesystem::path& root);

}  // namespace boxlite::fuse
