# Two precompiled prefixes, one for the libraries and one for the test programs: compilers take one only where their
# flags agree, and libraries are built as PIC, programs as PIE.
add_library(segue_prefix OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
target_precompile_headers(segue_prefix PRIVATE ${CMAKE_SOURCE_DIR}/cmake/prefix.hpp)
add_executable(segue_test_prefix EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
target_precompile_headers(segue_test_prefix PRIVATE ${CMAKE_SOURCE_DIR}/cmake/prefix.hpp <gtest/gtest.h>)
foreach(prefix segue_prefix segue_test_prefix)
  segue_target_defaults(${prefix})
  target_link_libraries(${prefix} PRIVATE fmt::fmt spdlog::spdlog simdjson::simdjson)
endforeach()
target_link_libraries(segue_test_prefix PRIVATE GTest::gtest GTest::gtest_main)
