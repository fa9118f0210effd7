# SPDX-License-Identifier: Apache-2.0
# Language, warnings and sanitizers, as one interface target that every host target links.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
find_package(Threads REQUIRED)

set(boxlite_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
                     -Wold-style-cast -Werror)

add_library(boxlite_flags INTERFACE)
target_compile_options(boxlite_flags INTERFACE ${boxlite_warnings})
if(BOXLITE_JOINED)
  # What is in the unnamed namespaces of joined files meets there.
  target_compile_options(boxlite_flags INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
target_compile_definitions(boxlite_flags INTERFACE BOXLITE_VERSION="${PROJECT_VERSION}" _FILE_OFFSET_BITS=64)
target_include_directories(boxlite_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(boxlite_flags INTERFACE Threads::Threads)
if(BOXLITE_SANITIZE)
  target_compile_options(boxlite_flags INTERFACE -fsanitize=${BOXLITE_SANITIZE} -fno-omit-frame-pointer
                                                 -fno-sanitize-recover=all)
  target_link_options(boxlite_flags INTERFACE -fsanitize=${BOXLITE_SANITIZE})
endif()
# Without coverage of the folders that a target links, the fuzzer sees only its own file.
if(BOXLITE_FUZZ)
  target_compile_options(boxlite_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
