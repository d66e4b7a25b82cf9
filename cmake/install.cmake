# make install: headers, both libraries, mlplat.pc and find_package(mlplat).
include(CMakePackageConfigHelpers)
set(missing)
if(MLPLAT_PROFILE STREQUAL "minimal")
  set(missing REGEX "/(arrow|component|display|pipelines|registry|store)[.]h$" EXCLUDE)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT mlplat ${missing})
install(TARGETS mlplat_shared mlplat_static EXPORT mlplat COMPONENT mlplat)
install(EXPORT mlplat NAMESPACE mlplat:: FILE mlplat-targets.cmake COMPONENT mlplat
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mlplat)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mlplat-config.cmake.in mlplat-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mlplat)
write_basic_package_version_file(mlplat-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mlplat-config.cmake ${PROJECT_BINARY_DIR}/mlplat-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mlplat COMPONENT mlplat)
# The prefix is found from where mlplat.pc lies, so that cmake --install --prefix and moved folders work.
file(RELATIVE_PATH MLPLAT_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(name IN ITEMS mlplat mlplat-static)
  configure_file(${PROJECT_SOURCE_DIR}/pkgconfig/${name}.pc.in ${name}.pc @ONLY)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/mlplat.pc ${PROJECT_BINARY_DIR}/mlplat-static.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT mlplat)
include(${CMAKE_CURRENT_LIST_DIR}/sbom.cmake)
