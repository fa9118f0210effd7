// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace boxlite::cli {

// Puts something harmless in the place of standard streams that our parent has closed, lest the first files
// we open become them: stdin is then at its end, and writing gives an error. Before anything is opened.
void occupy_standard_streams();

}  // namespace boxlite::cli
