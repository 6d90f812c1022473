# segue_embed(TARGET FUNCTION BASE folder FILES files...)
# Puts files into the program byte for byte (.incbin) and gives them as
#   std::span<const segue::EmbeddedFile> segue::embedded::FUNCTION();      (base/embedded.hpp)
# in the order of FILES; a file's name is its path below BASE. The program is linked anew when one of them changes.
function(segue_embed target function)
  cmake_parse_arguments(arg "" "BASE" "FILES" ${ARGN})
  set(source ${CMAKE_BINARY_DIR}/embedded/${function}.cpp)
  set(assembly "")
  set(symbols "")
  set(rows "")
  set(number 0)
  foreach(file ${arg_FILES})
    file(RELATIVE_PATH name ${arg_BASE} ${file})
    set(symbol segue_embedded_${function}_${number})
    string(APPEND assembly
      "asm(\".pushsection .rodata\\n\"\n"
      "    \".balign 16\\n\"\n"
      "    \".globl ${symbol}\\n.hidden ${symbol}\\n${symbol}:\\n\"\n"
      "    \".incbin \\\"${file}\\\"\\n\"\n"
      "    \".globl ${symbol}_end\\n.hidden ${symbol}_end\\n${symbol}_end:\\n\"\n"
      "    \".byte 0\\n.popsection\\n\");\n")
    string(APPEND symbols "extern const char ${symbol}[];\nextern const char ${symbol}_end[];\n")
    string(APPEND rows "        {\"${name}\", {${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  set(text "// Made by cmake/embed.cmake.\n#include <array>\n\n#include \"base/embedded.hpp\"\n\n${assembly}\nextern \"C\" {\n${symbols}}\n\n")
  string(APPEND text "namespace segue::embedded {\nstd::span<const EmbeddedFile> ${function}();\nstd::span<const EmbeddedFile> ${function}() {\n")
  if(number EQUAL 0)
    string(APPEND text "    return {};\n}\n")
  else()
    string(APPEND text "    static const std::array<EmbeddedFile, ${number}> files{{\n${rows}    }};\n    return files;\n}\n")
  endif()
  string(APPEND text "}  // namespace segue::embedded\n")
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}" @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${arg_FILES}")
  target_sources(${target} PRIVATE ${source})
endfunction()
