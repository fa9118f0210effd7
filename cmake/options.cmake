# SPDX-License-Identifier: Apache-2.0
# Every switch of the build.
option(BOXLITE_TESTS "build unit and integration tests" ${PROJECT_IS_TOP_LEVEL})
option(BOXLITE_BENCH "build the benchmarks" OFF)
option(BOXLITE_FUZZ "build the fuzz targets, too (clang only; with the tests)" OFF)
# A source file is mostly what it includes, so eight together compile in much less time than one by one. Off in `dev`: there
# an edit costs one file, each file is seen to include what it needs, and all warnings count.
option(BOXLITE_JOINED "compile eight source files at a time" OFF)
set(CMAKE_UNITY_BUILD ${BOXLITE_JOINED})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
set(BOXLITE_SANITIZE "" CACHE STRING "value of -fsanitize=, for everything but the guest agent")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
