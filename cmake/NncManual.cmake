# Manual pages, Markdown reference and shell completions, written by the tool that they describe.

# nnc_manual(): builds and installs them with the tool. Skipped when the tool cannot run here.
function(nnc_manual)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "nncompress: no manual pages, the tool cannot run on this machine")
    return()
  endif()
  set(NNC_ZSH_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Folder of zsh completions")
  set(dir "${PROJECT_BINARY_DIR}/manual")
  file(STRINGS "${PROJECT_SOURCE_DIR}/src/cli/verbs.def" rows REGEX "^VERB")
  set(pages "${dir}/nncompress.1")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "^VERB\\((.*)\\)$" "\\1" verb "${row}")
    if(NOT verb STREQUAL "manual")
      list(APPEND pages "${dir}/nncompress-${verb}.1")
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/cli/verbs.def")
  set(others "${dir}/nncompress" "${dir}/_nncompress" "${dir}/nncompress.fish" "${dir}/reference.md")
  add_custom_command(OUTPUT ${pages} ${others}
    COMMAND "${CMAKE_COMMAND}" "-DTOOL=$<TARGET_FILE:nncompress>" "-DDIR=${dir}" "-DPAGES=${pages}"
      -P "${PROJECT_SOURCE_DIR}/cmake/write_manual.cmake"
    DEPENDS nncompress "${PROJECT_SOURCE_DIR}/cmake/write_manual.cmake"
    COMMENT "Writing manual pages and completions" VERBATIM)
  if(NNC_DEBIAN)
    find_program(NNC_GZIP gzip REQUIRED)
    list(TRANSFORM pages APPEND ".gz" OUTPUT_VARIABLE packed)
    add_custom_command(OUTPUT ${packed} COMMAND "${NNC_GZIP}" -9nkf ${pages} DEPENDS ${pages} VERBATIM)
    set(pages ${packed})
  endif()
  add_custom_target(manual ALL DEPENDS ${pages} ${others})
  install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT nncompress)
  install(FILES "${dir}/nncompress" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
    COMPONENT nncompress)
  install(FILES "${dir}/_nncompress" DESTINATION "${NNC_ZSH_DIR}" COMPONENT nncompress)
  install(FILES "${dir}/nncompress.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d"
    COMPONENT nncompress)
  install(FILES "${dir}/reference.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT nncompress)
endfunction()
