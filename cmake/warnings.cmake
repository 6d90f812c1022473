# Warnings and hardening shared by every target (STYLE: warnings are errors; library assertions stay on).
function(segue_target_defaults target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
    # GCC sees through std::string to faults that are not there; the sanitizers look for the real ones.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS SEGUE_VERSION="${PROJECT_VERSION}"
    $<$<CONFIG:Debug>:SEGUE_DEBUG>)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  if(SEGUE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SEGUE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${SEGUE_SANITIZE})
    if(SEGUE_SANITIZE MATCHES "undefined")
      # The vptr check opens a pipe to see whether memory can be read: where a test uses up all descriptors it
      # cries wolf (ServerRefusalTest.NoDescriptorsLeftDoesNotSpin).
      target_compile_options(${target} PRIVATE -fno-sanitize=vptr)
    endif()
  elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE)
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
  endif()
  if(SEGUE_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()
