# Programs that the tests on real servers run, built beside the tests.
foreach(name IN ITEMS tracking_on_server registry_on_server artifacts_on_server)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/integration/${name}.c)
  target_link_libraries(${name} PRIVATE test_support)
endforeach()
