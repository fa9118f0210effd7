// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

int main(int argc, char** argv) {
  return boxlite::cli::run_program({argv + (argc > 0 ? 1 : 0), argv + argc});
}
