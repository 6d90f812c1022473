# Two precompiled prefixes, one for the libraries and one for the test programs: compilers take one only where their
# flags agree, and libraries are built as PIC, programs as PIE.
add_library(segue_prefix OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
target_precompile_headers(segue_prefix PRIVATE ${CMAKE_SOURCE_DIR}/cmake/prefix.hpp)
add_executable(segue_test_prefix EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
target_precompile_headers(segue_test_prefix PRIVATE ${CMAKE_SOURCE_DIR}/cmake/prefix.hpp <gtest/gtest.h>)

# No two builds of a precompiled header are equal byte by byte, and ccache would take each for another one: it is given
# the sum of what goes in instead (CCACHE_PCH_EXTSUM in CMakePresets.json).
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -std=c++${CMAKE_CXX_STANDARD} -E -P -include gtest/gtest.h ${CMAKE_SOURCE_DIR}/cmake/prefix.hpp
  OUTPUT_VARIABLE prefix_text ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
string(SHA256 prefix_sum "${prefix_text}")
foreach(prefix segue_prefix segue_test_prefix)
  segue_target_defaults(${prefix})
  target_link_libraries(${prefix} PRIVATE fmt::fmt spdlog::spdlog simdjson::simdjson)
  foreach(ending gch pch)  # GCC's and Clang's
    file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/${prefix}.dir/cmake_pch.hxx.${ending}.sum ${prefix_sum})
  endforeach()
endforeach()
target_link_libraries(segue_test_prefix PRIVATE GTest::gtest GTest::gtest_main)
