# find_package(hufu-gate) gives hufu::gate, the shared library, and hufu::gate-static.
get_filename_component(_hufu_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET hufu::gate)
  add_library(hufu::gate SHARED IMPORTED)
  set_target_properties(hufu::gate PROPERTIES
    IMPORTED_LOCATION "${_hufu_prefix}/lib/libhufu_gate.so.0"
    IMPORTED_SONAME "libhufu_gate.so.0"
    INTERFACE_INCLUDE_DIRECTORIES "${_hufu_prefix}/include")

  add_library(hufu::gate-static STATIC IMPORTED)
  set_target_properties(hufu::gate-static PROPERTIES
    IMPORTED_LOCATION "${_hufu_prefix}/lib/libhufu_gate.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_hufu_prefix}/include"
    INTERFACE_LINK_LIBRARIES "pthread;dl;m"
    INTERFACE_LINK_OPTIONS "-Wl,--gc-sections")
endif()

unset(_hufu_prefix)
