# Programs that the tests of pipelines run, built beside the tests: steps, and the library for tests in other languages.
foreach(program IN ITEMS pipeline_step pipeline_probe)
  add_executable(${program} ${CMAKE_CURRENT_SOURCE_DIR}/pipelines/helpers/${program}.c)
  target_link_libraries(${program} PRIVATE mlplat_static mlplat_compile)
endforeach()
add_executable(pipeline_tool ${CMAKE_CURRENT_SOURCE_DIR}/pipelines/helpers/pipeline_tool.c)
target_link_libraries(pipeline_tool PRIVATE mlplat_compile)
