# The web page: web/ → vite → one blob and a table, compiled into segue_serve (src/serve/api/assets.cpp).
# tools/build_web does the work and remembers what it built, so only a changed web/ costs time.
option(SEGUE_WEB "Build the web page into the program (needs Node.js)" ON)

if(SEGUE_WEB)
  find_program(SEGUE_NODE node PATHS ${SEGUE_DEPS}/node/bin NO_DEFAULT_PATH)
  find_program(SEGUE_NODE node)
  if(NOT SEGUE_NODE)
    message(WARNING "no Node.js: the web page is left out of this build, and /ui/ will say so. "
                    "Run 'make deps' to fetch Node.js, or give -DSEGUE_WEB=OFF to leave it out on purpose.")
  endif()
endif()

# segue_embed_web(TARGET): adds the page to a library.
function(segue_embed_web target)
  if(NOT SEGUE_WEB OR NOT SEGUE_NODE)
    return()
  endif()
  set(out ${CMAKE_BINARY_DIR}/web)
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/src/* ${CMAKE_SOURCE_DIR}/web/public/*)
  list(FILTER inputs EXCLUDE REGEX "\\.test\\.ts$")
  list(APPEND inputs ${CMAKE_SOURCE_DIR}/web/index.html ${CMAKE_SOURCE_DIR}/web/package-lock.json
    ${CMAKE_SOURCE_DIR}/web/vite.config.ts ${CMAKE_SOURCE_DIR}/web/tools/pack.mjs ${CMAKE_SOURCE_DIR}/web/tools/types.mjs
    ${CMAKE_SOURCE_DIR}/src/serve/api/openapi.json ${CMAKE_SOURCE_DIR}/tools/build_web)
  add_custom_command(OUTPUT ${out}/assets.bin ${out}/assets.inc
    COMMAND ${CMAKE_SOURCE_DIR}/tools/build_web ${out}
    DEPENDS ${inputs} COMMENT "Building the web page" VERBATIM USES_TERMINAL)
  segue_embed(${target} web_page BASE ${out} FILES ${out}/assets.bin)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/serve/api/assets.cpp PROPERTIES
    OBJECT_DEPENDS ${out}/assets.inc COMPILE_DEFINITIONS SEGUE_WEB INCLUDE_DIRECTORIES ${out})
endfunction()
