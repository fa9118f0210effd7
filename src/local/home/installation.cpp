// SPDX-License-Identifier: Apache-2.0
#include "local/home/installation.h"

#include <cstdlib>

#include <dlfcn.h>

#include "base/concat.h"

namespace boxlite::local {
namespace {

// Below a prefix, the first that has the file wins. "" is a directory that simply holds all of them.
constexpr const char* places[] = {"", "bin", "libexec/boxlite", "share/boxlite"};

void add_prefixes_of(const std::filesystem::path& object, std::vector<std::filesystem::path>& prefixes) {
  std::error_code ignored;
  const auto file = std::filesystem::canonical(object, ignored);
  if (ignored) return;
  // PREFIX/bin/boxlite, PREFIX/lib/libboxlite.so; then PREFIX/lib/x86_64-linux-gnu/libboxlite.so.
  const auto directory = file.parent_path();
  prefixes.push_back(directory);
  prefixes.push_back(directory.parent_path());
  prefixes.push_back(directory.parent_path().parent_path());
}

}  // namespace

Installation Installation::find(const std::filesystem::path& runtime_dir) {
  if (!runtime_dir.empty()) return Installation({runtime_dir});
  std::vector<std::filesystem::path> prefixes;
  const char* variable = std::getenv("BOXLITE_RUNTIME_DIR");
  if (variable != nullptr && *variable != '\0') prefixes.emplace_back(variable);
  // Where this very code was loaded from: the library, or the program that it is linked into.
  static const char here = 0;
  Dl_info object{};
  if (::dladdr(&here, &object) != 0 && object.dli_fname != nullptr)
    add_prefixes_of(object.dli_fname, prefixes);
  add_prefixes_of("/proc/self/exe", prefixes);
  return Installation(std::move(prefixes));
}

Result<std::filesystem::path> Installation::locate(const char* name) const {
  for (const auto& prefix : prefixes_) {
    for (const char* place : places) {
      auto path = prefix / place / name;
      std::error_code ignored;
      if (std::filesystem::is_regular_file(path, ignored)) return path;
    }
  }
  std::vector<std::string> searched;
  for (const auto& prefix : prefixes_) searched.push_back(in_quotes(prefix.native()));
  return fail(Error(ErrorCode::not_found,
                    concat("find ", in_quotes(name), ": it is not below ", join(searched, ", ")))
                  .with_remedy("run scripts/quickstart.sh, or set BOXLITE_RUNTIME_DIR to where it is"));
}

Result<std::filesystem::path> Installation::shim() const {
  return locate("boxlite-shim");
}

Result<std::filesystem::path> Installation::thaw() const {
  return locate("boxlite-thaw");
}

Result<std::filesystem::path> Installation::fileserver() const {
  return locate("boxlite-fileserver");
}

Result<std::filesystem::path> Installation::kernel() const {
  return locate("vmlinux");
}

Result<std::filesystem::path> Installation::initramfs() const {
  return locate("initramfs.cpio");
}

Result<std::filesystem::path> Installation::base_image() const {
  return locate("base-image.tar");
}

}  // namespace boxlite::local
