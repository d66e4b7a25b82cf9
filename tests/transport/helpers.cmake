# A program that makes one request and tells what came of it, for the tests whose servers are Python's.
add_executable(http_probe ${CMAKE_CURRENT_SOURCE_DIR}/transport/helpers/http_probe.c)
target_include_directories(http_probe PRIVATE ${PROJECT_SOURCE_DIR}/libmlplat)
target_link_libraries(http_probe PRIVATE mlplat_static mlplat_compile PkgConfig::JANSSON)
add_dependencies(test_http_memory alloc_shim)
