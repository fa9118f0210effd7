// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/listing/file_listing.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const FileInfo& file) {
  return {{"name", file.name},
          {"kind", name(file.kind)},
          {"mode", file.mode},
          {"uid", file.uid},
          {"gid", file.gid},
          {"size", file.size},
          {"modified", file_time(file)},
          {"inode", file.inode},
          {"links", file.links},
          {"link_target", file.link_target}};
}

std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string file_json(const FileInfo& file) {
  return text_of(to_json(file), 2) + "\n";
}

std::string files_json(const std::vector<FileInfo>& files) {
  Json list = Json::array();
  for (const auto& file : files) list.push_back(to_json(file));
  return text_of(list, 2) + "\n";
}

std::string event_json(const FileEvent& event) {
  return text_of({{"kind", name(event.kind)},
                  {"path", event.path},
                  {"is_directory", event.is_directory},
                  {"move", event.move}},
                 -1);
}

}  // namespace boxlite::cli
