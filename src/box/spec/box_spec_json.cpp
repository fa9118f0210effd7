// SPDX-License-Identifier: Apache-2.0
#include "box/spec/spec_json.h"
#include "model/codec.h"
#include "model/fields/box.h"

namespace boxlite::box {

std::string to_json(const BoxSpec& spec) {
  return model::encode(spec).dump();
}

Result<BoxSpec> parse_box_spec(std::string_view json) {
  return BOXLITE_TRY_CONTEXT("the stored spec of a box", model::decode_text<BoxSpec>(json));
}

std::string to_json(const std::vector<StartStage>& stages) {
  return model::encode(stages).dump();
}

std::vector<StartStage> parse_stages(std::string_view json) {
  const auto array = model::Json::parse(json, nullptr, false);
  std::vector<StartStage> stages;
  if (!array.is_array()) return stages;
  for (const auto& entry : array) {
    if (auto stage = model::decode<StartStage>(entry)) stages.push_back(*std::move(stage));
  }
  return stages;
}

}  // namespace boxlite::box
