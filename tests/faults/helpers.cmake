# Programs that the tests of faults kill or let calls of fail, built beside the tests, and the allocator that is preloaded.
foreach(victim fault_victim fault_remote)
  add_executable(${victim} ${CMAKE_CURRENT_SOURCE_DIR}/faults/helpers/${victim}.c
    ${CMAKE_CURRENT_SOURCE_DIR}/faults/helpers/victim_told.c)
  target_link_libraries(${victim} PRIVATE mlplat_static mlplat_compile)
endforeach()
add_executable(fault_crowd ${CMAKE_CURRENT_SOURCE_DIR}/faults/helpers/fault_crowd.c)
target_link_libraries(fault_crowd PRIVATE mlplat_static mlplat_compile)
add_library(alloc_shim SHARED ${CMAKE_CURRENT_SOURCE_DIR}/faults/alloc_shim.c)
target_include_directories(alloc_shim PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_features(alloc_shim PRIVATE c_std_11)
target_compile_definitions(alloc_shim PRIVATE _GNU_SOURCE)
target_compile_options(alloc_shim PRIVATE -Wall -Wextra -fvisibility=hidden -fno-builtin)
add_dependencies(test_allocations alloc_shim)
set_tests_properties(test_allocations PROPERTIES TIMEOUT 6000)

add_library(clock_shim SHARED ${CMAKE_CURRENT_SOURCE_DIR}/faults/clock_shim.c)
target_compile_definitions(clock_shim PRIVATE _GNU_SOURCE)
target_compile_options(clock_shim PRIVATE -Wall -Wextra -fvisibility=default)

add_executable(fault_scene ${CMAKE_CURRENT_SOURCE_DIR}/faults/fault_scene.c)
target_link_libraries(fault_scene PRIVATE test_support)

# Stands before the calls of libc in this program alone.
target_sources(test_cut_calls PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/faults/call_tape.c
  ${CMAKE_CURRENT_SOURCE_DIR}/faults/disk_model.c)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/faults/call_tape.c PROPERTIES COMPILE_OPTIONS
  "-U_FORTIFY_SOURCE;-Wno-missing-prototypes;-fvisibility=default")
set_tests_properties(test_cut_calls PROPERTIES TIMEOUT 6000)
