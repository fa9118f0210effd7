// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"
#include "cli/terminal/standard_streams.h"

int main(int argc, char** argv) {
  boxlite::cli::occupy_standard_streams();
  return boxlite::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc});
}
