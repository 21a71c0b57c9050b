# Installed libraries: libnncompress and libnnrt, shared and static, with CMake packages and pkg-config files.
include(CMakePackageConfigHelpers)

# nnc_link_flags(OUT libraries...): paths, names and imported targets as linker flags, usable on another machine.
function(nnc_link_flags out)
  set(flags)
  foreach(lib IN LISTS ARGN)
    if(TARGET "${lib}")
      foreach(property IN ITEMS IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE IMPORTED_LOCATION_NONE
              INTERFACE_LINK_LIBRARIES)
        get_target_property(value "${lib}" ${property})
        if(value)
          nnc_link_flags(nested ${value})
          list(APPEND flags ${nested})
        endif()
      endforeach()
    elseif(lib MATCHES "^-")
      list(APPEND flags "${lib}")
    elseif(lib MATCHES "/lib([^/]+)\\.(so|a)[.0-9]*$")
      set(name "${CMAKE_MATCH_1}")
      get_filename_component(dir "${lib}" DIRECTORY)
      if(NOT dir IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
        list(APPEND flags "-L${dir}")
      endif()
      list(APPEND flags "-l${name}")
    elseif(lib MATCHES "^[A-Za-z0-9_+.-]+$")
      list(APPEND flags "-l${lib}")
    elseif(NOT lib MATCHES "^\\$<")
      message(FATAL_ERROR "nnc_link_flags: cannot name '${lib}' on a linker command line")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES flags)
  set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# One relocatable object in which only the public symbols are global: nothing inside a static library can clash
# with the program's or another library's names.
function(nnc_merge_objects out name objects)
  set(merged "${PROJECT_BINARY_DIR}/${name}_merged.o")
  add_custom_command(OUTPUT "${merged}"
    COMMAND ${CMAKE_LINKER} -r -o "${merged}" ${objects}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${ARGN} "${merged}"
    DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Merging the objects of lib${name}.a")
  set(${out} "${merged}" PARENT_SCOPE)
endfunction()

# nnc_installed_library(NAME COMPONENT name FOLDERS folders... LIBS libraries... LOCALIZE objcopy flags...): targets NAME_shared
# and NAME_archive, package NAME.
function(nnc_installed_library name)
  cmake_parse_arguments(arg "" "DESCRIPTION;COMPONENT" "FOLDERS;LIBS;LOCALIZE" ${ARGN})
  set(objects)
  foreach(folder IN LISTS arg_FOLDERS)
    list(APPEND objects $<TARGET_OBJECTS:${folder}>)
  endforeach()
  set(map "${PROJECT_SOURCE_DIR}/cmake/${name}.map")

  add_library(${name}_shared SHARED ${objects})
  set_target_properties(${name}_shared PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
    LINKER_LANGUAGE C LINK_DEPENDS "${map}")
  nnc_portable_libraries(libs ${arg_LIBS})
  target_link_libraries(${name}_shared PRIVATE ${libs} Threads::Threads m)
  nnc_portable_target(${name}_shared "$ORIGIN")
  target_link_options(${name}_shared PRIVATE "LINKER:--version-script=${map}")
  if(NNC_SANITIZE)
    target_link_options(${name}_shared PRIVATE -fsanitize=address,undefined)
  endif()

  nnc_merge_objects(merged ${name} "${objects}" ${arg_LOCALIZE})
  add_library(${name}_archive STATIC "${merged}")
  set_source_files_properties("${merged}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set_target_properties(${name}_archive PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name}_static
    LINKER_LANGUAGE C)
  nnc_link_flags(private ${arg_LIBS} Threads::Threads -pthread -lm)
  target_link_libraries(${name}_archive INTERFACE ${private})

  install(TARGETS ${name}_shared ${name}_archive EXPORT ${name}Targets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${arg_COMPONENT}
      NAMELINK_COMPONENT ${arg_COMPONENT}_dev
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${arg_COMPONENT}_dev
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  nnc_install_package(${name} "${arg_DESCRIPTION}" "${private}" ${arg_COMPONENT}_dev)
endfunction()

function(nnc_install_package name description private component)
  set(cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/${name}")
  install(EXPORT ${name}Targets NAMESPACE ${name}:: DESTINATION ${cmake_dir} COMPONENT ${component})
  file(WRITE "${PROJECT_BINARY_DIR}/${name}Config.cmake"
    "include(\"\${CMAKE_CURRENT_LIST_DIR}/${name}Targets.cmake\")\n")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/${name}ConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/${name}Config.cmake" "${PROJECT_BINARY_DIR}/${name}ConfigVersion.cmake"
    DESTINATION ${cmake_dir} COMPONENT ${component})

  # The prefix is found from the file's own place, so that an installed tree can be moved.
  file(RELATIVE_PATH to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" to_prefix "${to_prefix}")
  list(JOIN private " " private)
  file(WRITE "${PROJECT_BINARY_DIR}/${name}.pc" "prefix=\${pcfiledir}/${to_prefix}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}

Name: ${name}
Description: ${description}
Version: ${PROJECT_VERSION}
Cflags: -I\${includedir}
Libs: -L\${libdir} -l${name}
Libs.private: ${private}
")
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT ${component})
endfunction()

function(nnc_install)
  get_property(nnrt_folders GLOBAL PROPERTY NNRT_FOLDERS)
  get_property(nnrt_libs GLOBAL PROPERTY NNRT_EXTERNAL_LIBS)
  nnc_installed_library(nnrt COMPONENT nnrt DESCRIPTION "INT8 inference runtime" FOLDERS ${nnrt_folders}
    LIBS ${nnrt_libs})
  nnc_bundle_libraries(${nnrt_libs})
  install(FILES "${PROJECT_SOURCE_DIR}/runtime_int8/include/nnrt.h"
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT nnrt_dev)
  if(NOT NNC_DEBIAN)
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT nnrt)
  endif()
  if(NNRT_ONLY)
    return()
  endif()

  get_property(folders GLOBAL PROPERTY NNC_FOLDERS)
  get_property(libs GLOBAL PROPERTY NNC_EXTERNAL_LIBS)
  list(REMOVE_ITEM folders nnc_cli)
  # The runtime inside stays inside: a program may link libnnrt beside libnncompress.
  nnc_installed_library(nncompress COMPONENT libnncompress DESCRIPTION "Neural network compression"
    FOLDERS ${folders} LIBS ${libs} LOCALIZE --wildcard "--localize-symbol=nnrt_*")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/nncompress" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT libnncompress_dev FILES_MATCHING PATTERN "*.h")
  install(FILES "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${PROJECT_SOURCE_DIR}/SECURITY.md"
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT nncompress)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/datasets/sample" DESTINATION "${CMAKE_INSTALL_DATADIR}/nncompress"
    COMPONENT nncompress PATTERN "*.py" EXCLUDE)
  set(python "${CMAKE_INSTALL_LIBDIR}/python")
  if(NNC_DEBIAN)
    set(python lib/python3/dist-packages)
  endif()
  install(FILES "${PROJECT_SOURCE_DIR}/bindings/python/nncompress/__init__.py" DESTINATION "${python}/nncompress"
    COMPONENT python)
  nnc_third_party_notices()
  if(TARGET nncompress)
    install(TARGETS nncompress RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT nncompress)
    nnc_manual()
  endif()
endfunction()
