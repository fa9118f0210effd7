// SPDX-License-Identifier: Apache-2.0
// What the image says and what the user wants, merged by Docker's rules into what the guest is told. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "oci/image_config.h"
#include "wire/messages.h"

namespace boxlite::box {

// The host name inside: the spec's, else the box's id.
std::string hostname_of(const BoxSpec& spec, std::string_view id);

Result<wire::msg::ContainerSpec> container_spec(const BoxSpec& spec, const oci::ImageConfig& image,
                                                std::string_view hostname);
// What of it can be prepared before the box is known, the same for many boxes.
wire::msg::ContainerSpec prepared_part(const wire::msg::ContainerSpec& container);
// The files that the first command will want, as far as the image tells: they need not all exist.
std::vector<std::string> files_needed_soon(const oci::ImageConfig& image);

// entrypoint ++ command. An entrypoint of the spec replaces the image's and its CMD; a command of the spec
// replaces the image's CMD. invalid_argument when nothing is left to run.
Result<std::vector<std::string>> main_command(const BoxSpec& spec, const oci::ImageConfig& image);

// What ends the main command in order: the spec's, the image's, for systemd its own, else TERM.
// invalid_argument for an image's that is none.
Result<int> stop_signal(const BoxSpec& spec, const oci::ImageConfig& image);

// The user chose the box's command, which makes its end the box's purpose; else it is a sandbox for others.
bool is_job(const BoxSpec& spec);

// What runs as the main command (execution id "main"); no args: the box has none and idles.
wire::msg::ExecRequest main_request(const BoxSpec& spec, const oci::ImageConfig& image);

}  // namespace boxlite::box
