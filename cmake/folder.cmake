# SPDX-License-Identifier: Apache-2.0
# boxlite_folder(NAME DEPS folder... LINK library... ALONE file...)
# One folder of src/ becomes the static library boxlite_NAME (every *.cpp below it), and its *_test.cpp files
# the test program NAME_test. DEPS are folders with a lower layer number; tools/check_layers holds us to it.
function(boxlite_folder name)
  cmake_parse_arguments(ARG "" "" "DEPS;LINK;ALONE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  # What stands in for a part of it in tests is a library of its own.
  list(FILTER sources EXCLUDE REGEX "/fake/")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM ARG_DEPS PREPEND boxlite_)
  boxlite_alone(${ARG_ALONE})
  add_library(boxlite_${name} STATIC ${sources})
  target_link_libraries(boxlite_${name} PUBLIC boxlite_flags ${ARG_DEPS} ${ARG_LINK})
  if(BOXLITE_TESTS AND tests)
    boxlite_unit_tests(${name}_test SOURCES ${tests} LINK boxlite_${name})
  endif()
endfunction()

# Files that cannot be joined with their neighbours (BOXLITE_JOINED): their unnamed namespaces have names in common.
function(boxlite_alone)
  foreach(file IN LISTS ARGN)
    set_property(SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/${file} PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
  endforeach()
endfunction()

# A test runs once for each time that it is compiled: what the compiler saves is worth more than what the test does.
function(boxlite_quickly_compiled name)
  target_compile_options(${name} PRIVATE -O0)
endfunction()

# A GoogleTest program whose tests ctest knows one by one, under the label `unit`.
function(boxlite_unit_tests name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  # Fixtures and words of tests are named alike, and rightly so.
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock_main)
  boxlite_quickly_compiled(${name})
  gtest_discover_tests(${name} PROPERTIES LABELS unit TIMEOUT 120 DISCOVERY_TIMEOUT 60)
endfunction()
