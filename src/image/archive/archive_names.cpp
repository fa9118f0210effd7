// SPDX-License-Identifier: Apache-2.0
#include "image/archive/archive_names.h"

#include <algorithm>

#include "base/concat.h"
#include "oci/reference.h"

namespace boxlite::image {
namespace {

// Archives often carry only a tag ("latest", "1.0") where a name belongs.
bool is_bare_tag(std::string_view name) {
  return name.find_first_of(":/@") == std::string_view::npos;
}

std::string full_name(std::string_view name, std::string_view file_name) {
  std::string text(name);
  if (name.empty() || is_bare_tag(name)) {
    if (file_name.empty()) return {};
    text = concat(file_name, ":", name.empty() ? std::string_view("latest") : name);
  }
  const auto reference = oci::Reference::parse(text);
  return reference ? reference->str() : std::string();
}

std::vector<std::string> full_names(const FoundImage& image, std::string_view file_name) {
  std::vector<std::string> names;
  for (const auto& name : image.names) {
    if (auto full = full_name(name, file_name); !full.empty()) names.push_back(std::move(full));
  }
  if (names.empty()) names.push_back(image.names.empty() ? full_name({}, file_name) : std::string());
  return names;
}

std::string offered(const std::vector<FoundImage>& images) {
  std::vector<std::string> names;
  for (const auto& image : images) {
    names.push_back(image.names.empty() ? image.entry.manifest.digest.str()
                                        : in_quotes(join(image.names, ", ")));
    if (names.size() == 50) break;
  }
  return join(names, ", ");
}

Result<void> keep_selected(std::vector<FoundImage>& images, std::string_view file_name,
                           std::string_view select) {
  const auto wanted = full_name(select, file_name);
  const auto all = offered(images);
  std::erase_if(images, [&](FoundImage& image) {
    std::erase_if(image.names, [&](const std::string& name) {
      return name != select && (wanted.empty() || full_name(name, file_name) != wanted);
    });
    return image.names.empty();
  });
  if (!images.empty()) return {};
  return fail(ErrorCode::not_found,
              concat("the archive has no image ", in_quotes(select), "; it has: ", all));
}

}  // namespace

std::string name_from_file(const std::filesystem::path& source) {
  auto path = source;
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.filename().native();
  for (const std::string_view ending : {".gz", ".zst", ".tgz", ".tar", ".oci", ".docker"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto reference = oci::Reference::parse(name);
  return reference && is_bare_tag(name) ? name : std::string();
}

Result<std::vector<CatalogEntry>> name_images(std::vector<FoundImage> images, std::string_view file_name,
                                              std::string_view select, std::string_view name) {
  if (images.empty()) return fail(ErrorCode::invalid_argument, "the archive holds no image");
  if (!select.empty()) BOXLITE_TRY(keep_selected(images, file_name, select));
  std::vector<CatalogEntry> entries;
  if (!name.empty()) {
    const auto reference = BOXLITE_TRY(oci::Reference::parse(name));
    if (images.size() != 1) {
      return fail(Error(ErrorCode::invalid_argument,
                        concat("the name ", in_quotes(name), " fits one image, but the archive has ",
                               images.size(), ": ", offered(images)))
                      .with_remedy("select one of them"));
    }
    images.front().entry.reference = reference.str();
    entries.push_back(std::move(images.front().entry));
    return entries;
  }
  for (auto& image : images) {
    for (auto& full : full_names(image, file_name)) {
      image.entry.reference = std::move(full);
      entries.push_back(image.entry);
    }
  }
  return entries;
}

}  // namespace boxlite::image
