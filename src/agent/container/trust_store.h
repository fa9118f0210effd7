// SPDX-License-Identifier: Apache-2.0
// Whom the programs of the container trust. There is no one place: images keep a bundle here or there, and
// many programs bring their own, which a variable replaces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/container/container.h"
#include "base/result.h"

namespace boxlite::agent {

// Adds certificates (PEM) to every bundle that the image has, or to a new one when it has none, and gives the
// file to name in the variables. Does nothing where they are already. Only files of the box's own disk are
// changed: what the host shares stays as it is.
Result<std::string> add_to_trust_store(int root_fd, std::string_view pem);

// The variables for programs that do not look there. Those in `env` stay as they are.
void add_trust_variables(std::string_view bundle, std::vector<std::string>& env);

// Both, for a container whose first command has not run; nothing for no certificates. A box with a read-only
// disk runs without, as its console log says.
void trust_certificates(Container& container, std::string_view pem);

}  // namespace boxlite::agent
