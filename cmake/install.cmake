# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. src/local/home/installation.cpp looks for the programs and the guest's files below the
# prefix of the library, so the tree may be moved as a whole.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS boxlite)
install(TARGETS boxlite-shim boxlite-fileserver boxlite-thaw RUNTIME DESTINATION libexec/boxlite)
# scripts/build.sh puts them there, after the build.
install(FILES ${CMAKE_BINARY_DIR}/share/boxlite/vmlinux ${CMAKE_BINARY_DIR}/share/boxlite/initramfs.cpio
              ${CMAKE_BINARY_DIR}/share/boxlite/base-image.tar
        DESTINATION share/boxlite)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# For programs: boxlite::boxlite of find_package(boxlite), or pkg-config boxlite.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/boxlite DESTINATION include)
install(TARGETS boxlite_shared EXPORT boxlite)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/boxlite)
install(EXPORT boxlite NAMESPACE boxlite:: FILE boxliteConfig.cmake DESTINATION ${package_dir})
write_basic_package_version_file(boxliteConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/boxlite.pc.in boxlite.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/boxliteConfigVersion.cmake DESTINATION ${package_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/boxlite.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
