# Programs that the tests of pipelines run as steps; built beside the tests.
add_executable(pipeline_step ${CMAKE_CURRENT_SOURCE_DIR}/pipelines/helpers/pipeline_step.c)
target_link_libraries(pipeline_step PRIVATE mlplat_static mlplat_compile PkgConfig::JANSSON PkgConfig::SQLITE
  PkgConfig::YAML m)
add_executable(pipeline_tool ${CMAKE_CURRENT_SOURCE_DIR}/pipelines/helpers/pipeline_tool.c)
target_link_libraries(pipeline_tool PRIVATE mlplat_compile)
