# Programs that the tests of faults kill, built beside the tests.
add_executable(fault_victim ${CMAKE_CURRENT_SOURCE_DIR}/faults/helpers/fault_victim.c)
target_link_libraries(fault_victim PRIVATE mlplat_static mlplat_compile)
add_executable(fault_crowd ${CMAKE_CURRENT_SOURCE_DIR}/faults/helpers/fault_crowd.c)
target_link_libraries(fault_crowd PRIVATE mlplat_static mlplat_compile)
