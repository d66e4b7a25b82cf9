# Programs that the tests on real servers run, built beside the tests.
add_executable(tracking_on_server ${CMAKE_CURRENT_SOURCE_DIR}/integration/tracking_on_server.c)
target_link_libraries(tracking_on_server PRIVATE test_support)
