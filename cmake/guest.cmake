# SPDX-License-Identifier: Apache-2.0
# Programs that run in the guest: static, small, without sanitizers, whatever the host's build type is. An initramfs
# holds no libraries, and every page of PID 1 is read at each boot.
find_package(Protobuf REQUIRED)
find_library(BOXLITE_PROTOBUF_LITE_STATIC libprotobuf-lite.a REQUIRED)

# Optimizing across files is GCC's here; what clang builds (the sanitizers' builds) no box of a user's runs.
set(boxlite_guest_lto $<$<CXX_COMPILER_ID:GNU>:-flto=2>)
set(boxlite_guest_flags -Os -g0 ${boxlite_guest_lto} -ffunction-sections -fdata-sections -fno-pie -fno-plt
                        -fno-semantic-interposition -fvisibility=hidden)

function(boxlite_guest_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  set(messages ${BOXLITE_GUEST_PROTO_DIR}/guest.pb.cc)
  # The generated code is not held to our warnings.
  add_library(${name}_messages OBJECT ${messages})
  set_source_files_properties(${messages} PROPERTIES GENERATED TRUE)
  add_dependencies(${name}_messages boxlite_guest_proto_generated)
  add_executable(${name} ${ARG_SOURCES} $<TARGET_OBJECTS:${name}_messages>)
  add_dependencies(${name} boxlite_guest_proto_generated)
  foreach(target ${name} ${name}_messages)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF UNITY_BUILD OFF)
    target_compile_options(${target} PRIVATE ${boxlite_guest_flags})
    target_compile_definitions(${target} PRIVATE BOXLITE_VERSION="${PROJECT_VERSION}" NDEBUG)
    target_include_directories(${target} SYSTEM PRIVATE ${BOXLITE_GUEST_PROTO_DIR})
  endforeach()
  target_compile_options(${name} PRIVATE ${boxlite_warnings})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
  target_link_options(${name} PRIVATE -static -no-pie -s -Os -g0 ${boxlite_guest_lto} -Wl,--gc-sections -Wl,--build-id=none
                                      -Wl,-z,norelro -Wl,--hash-style=gnu)
  target_link_libraries(${name} PRIVATE ${BOXLITE_PROTOBUF_LITE_STATIC})
endfunction()
