// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/file_listing.h"
#include "cli/output/json_text.h"
#include "model/fields/files.h"

namespace boxlite::cli {

namespace {

Json file_object(const FileInfo& file) {
  auto object = shown(file);
  object["modified"] = file_time(file);
  return object;
}

}  // namespace

std::string file_json(const FileInfo& file) {
  return json_document(file_object(file));
}

std::string files_json(const std::vector<FileInfo>& files) {
  return json_document(json_list(files, file_object));
}

std::string event_json(const FileEvent& event) {
  return json_line(shown(event));
}

}  // namespace boxlite::cli
