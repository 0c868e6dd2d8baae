# SPDX-License-Identifier: Apache-2.0
# voxkern_add_kernel(<name>): everything one kernel folder needs, found by file name.
#   <name>*.cpp            into voxkern_core
#   <name>_simd.inl.hpp    stamped once per ISA level into voxkern_core
#   <name>_bind.cpp        into _core; registers itself through bind_<name>()
#   <name>_cuda.cu         into voxkern_cuda; then <name>_bind.cpp is compiled into _cuda as well

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT VOXKERN_BASELINE)
  set(VOXKERN_LEVELS v2 v3 v4)
  set(VOXKERN_LEVEL_FLAGS_v2 -march=x86-64-v2)
  set(VOXKERN_LEVEL_FLAGS_v3 -march=x86-64-v3)
  set(VOXKERN_LEVEL_FLAGS_v4 -march=x86-64-v4 -mprefer-vector-width=512)
else()
  set(VOXKERN_LEVELS baseline)
  set(VOXKERN_LEVEL_FLAGS_baseline "")
endif()

function(voxkern_add_kernel name)
  set(folder ${VOXKERN_CPP_DIR}/kernels/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/${name}*.cpp)
  list(FILTER sources EXCLUDE REGEX "_bind\\.cpp$")
  target_sources(voxkern_core PRIVATE ${sources})

  # One object library per level: flags reach these units only, and the ISA test can find them.
  if(EXISTS ${folder}/${name}_simd.inl.hpp)
    foreach(level IN LISTS VOXKERN_LEVELS)
      set(unit ${PROJECT_BINARY_DIR}/levels/${name}_${level}.cpp)
      file(CONFIGURE OUTPUT ${unit} @ONLY CONTENT
           "#define VOXKERN_LEVEL ${level}\n#include \"kernels/${name}/${name}_simd.inl.hpp\"\n")
      target_sources(voxkern_level_${level} PRIVATE ${unit})
    endforeach()
  endif()

  if(TARGET _core)
    target_sources(_core PRIVATE ${folder}/${name}_bind.cpp)
    set_property(GLOBAL APPEND PROPERTY VOXKERN_BOUND__core ${name})
  endif()
  file(GLOB kernels CONFIGURE_DEPENDS ${folder}/${name}*.cu)
  if(TARGET voxkern_cuda AND kernels)
    voxkern_cuda_sources(voxkern_cuda ${kernels})
  endif()
  if(TARGET _cuda AND kernels)
    target_sources(_cuda PRIVATE ${folder}/${name}_bind.cpp)
    set_property(GLOBAL APPEND PROPERTY VOXKERN_BOUND__cuda ${name})
  endif()
endfunction()

# The list of bind functions a module calls, one line per kernel, so that no file is edited by hand.
function(voxkern_write_binding_list module)
  get_property(bound GLOBAL PROPERTY VOXKERN_BOUND_${module})
  set(lines "")
  foreach(name IN LISTS bound)
    string(APPEND lines "VOXKERN_BIND(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/bindings/${module}_list.inc @ONLY CONTENT "${lines}")
endfunction()
