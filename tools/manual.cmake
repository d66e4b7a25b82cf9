# The manual: mlplat.1 and a page per group of commands, written by the program itself from its table of commands.
# A cross-compiled program cannot be run here; then there are no pages.
if(NOT CMAKE_CROSSCOMPILING)
  set(manual ${CMAKE_CURRENT_BINARY_DIR}/man)
  add_custom_command(OUTPUT ${manual}/mlplat.1 DEPENDS mlplat ${CMAKE_CURRENT_SOURCE_DIR}/manual_pages.cmake
    COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:mlplat> -D FOLDER=${manual}
      -P ${CMAKE_CURRENT_SOURCE_DIR}/manual_pages.cmake
    COMMENT "Writing the manual" VERBATIM)
  add_custom_target(manual ALL DEPENDS ${manual}/mlplat.1)
  install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT mlplat)
endif()
