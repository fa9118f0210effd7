// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/output/inspect_json.h"
#include "cli/output/output.h"
#include "cli/output/output_json.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage box_page{
    .usage = "boxlite inspect [OPTIONS] BOX...",
    .sentence = "Prints a JSON list with all that is known about boxes.",
    .example = "boxlite inspect -f '{{.State.Status}}' web",
};
constexpr HelpPage image_page{
    .usage = "boxlite image inspect [OPTIONS] IMAGE...",
    .sentence = "Prints a JSON list with all that is known about stored images.",
    .example = "boxlite image inspect -f '{{json .Config.Env}}' debian:12",
};

struct Request {
  std::vector<std::string> names;
  std::string pattern;
};

Parsed<Request> parse_request(Call& call, const HelpPage& page, std::string_view wanted) {
  Request request;
  OptionSet options(page);
  options.text('f', "format", "TEMPLATE", request.pattern,
               "Print fields instead, as in '{{.Id}} {{json .Config}}'");
  auto arguments = call.parse(options, {.least = 1, .most = any_number, .wanted = wanted});
  if (!arguments) return std::unexpected(arguments.error());
  request.names = std::move(arguments->words);
  if (request.pattern == "json") request.pattern.clear();
  return request;
}

// What was found is printed even when something else was not.
template <typename Info, typename Find>
Outcome show(const Request& request, std::string (*to_json)(const std::vector<Info>&), Find find) {
  std::vector<Info> found;
  int code = exit_success;
  for (const auto& name : request.names) {
    Result<Info> info = find(name);
    if (info) {
      found.push_back(std::move(*info));
    } else {
      complain(info.error());
      code = exit_failure;
    }
  }
  const auto json = to_json(found);
  if (request.pattern.empty()) {
    print(json);
    return code;
  }
  const auto text = render_template(request.pattern, json);
  if (!text) return std::unexpected(text.error());
  print(*text);
  return code;
}

}  // namespace

Outcome inspect_command(Call& call) {
  const auto request = parse_request(call, box_page, "BOX");
  if (!request) return std::unexpected(request.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  return show<BoxInfo>(*request, boxes_inspect_json, [&](const std::string& name) -> Result<BoxInfo> {
    const auto box = runtime->get(name);
    if (!box) return std::unexpected(box.error());
    return box->info();
  });
}

Outcome image_inspect_command(Call& call) {
  const auto request = parse_request(call, image_page, "IMAGE");
  if (!request) return std::unexpected(request.error());
  const auto runtime = open_runtime(call.global);
  if (!runtime) return std::unexpected(runtime.error());
  const auto images = runtime->images();
  return show<ImageInfo>(*request, images_inspect_json,
                         [&](const std::string& name) { return images.get(name); });
}

}  // namespace boxlite::cli
