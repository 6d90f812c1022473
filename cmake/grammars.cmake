# The tree-sitter runtime and grammars (fetched by tools/deps): others' C code, so no warnings, no sanitizer, always -O2.
# segue_grammar(NAME DIR...) adds one grammar; all end up in the static library `grammars`.
set(grammars_dir ${SEGUE_DEPS}/grammars)
if(NOT EXISTS ${grammars_dir}/runtime/src/lib.c)
  message(FATAL_ERROR "the tree-sitter grammars are not there: run 'make deps' first")
endif()

add_library(grammars STATIC ${grammars_dir}/runtime/src/lib.c)
target_include_directories(grammars SYSTEM PUBLIC ${grammars_dir}/runtime/include PRIVATE ${grammars_dir}/runtime/src)
target_compile_options(grammars PRIVATE -w -O2 -std=gnu11)
target_compile_definitions(grammars PRIVATE _DEFAULT_SOURCE _POSIX_C_SOURCE=200112L)

function(segue_grammar name dir)
  set(source ${grammars_dir}/${dir}/src)
  set(files ${source}/parser.c)
  if(EXISTS ${source}/scanner.c)
    list(APPEND files ${source}/scanner.c)
  endif()
  add_library(grammar_${name} OBJECT ${files})
  target_include_directories(grammar_${name} PRIVATE ${source})
  target_compile_options(grammar_${name} PRIVATE -w -O2 -std=gnu11)
  target_sources(grammars PRIVATE $<TARGET_OBJECTS:grammar_${name}>)
endfunction()

foreach(name bash c-sharp go html java javascript json powershell python rust toml yaml)
  segue_grammar(${name} ${name})
endforeach()
segue_grammar(typescript typescript/typescript)
segue_grammar(tsx typescript/tsx)
