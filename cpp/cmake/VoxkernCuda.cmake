# SPDX-License-Identifier: Apache-2.0
# The _cuda extension: its own module, loaded by Python on the first GPU array. Needs nvcc to build
# and nothing at run time until then: cudart is linked statically, libcuda is never bundled.

if(VOXKERN_CUDA STREQUAL "AUTO")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(voxkern_with_cuda ON)
  else()
    set(voxkern_with_cuda OFF)
    message(STATUS "voxkern: no working CUDA compiler, building without _cuda")
  endif()
else()
  set(voxkern_with_cuda ${VOXKERN_CUDA})
endif()

if(voxkern_with_cuda)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${VOXKERN_CUDA_ARCHITECTURES})
  endif()
  enable_language(CUDA)
  pybind11_add_module(_cuda MODULE NO_EXTRAS bindings/cuda_module.cpp)
  voxkern_target_options(_cuda)
  target_compile_features(_cuda PRIVATE cuda_std_17)
  # Coordinates and parity sums must not be fused behind our back on the GPU either.
  target_compile_options(_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false -Xcompiler=-fvisibility=hidden>)
  set_target_properties(_cuda PROPERTIES CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
  target_compile_definitions(_cuda PRIVATE VOXKERN_VERSION="${PROJECT_VERSION}")
  target_include_directories(_cuda PRIVATE ${PROJECT_BINARY_DIR}/bindings)
  install(TARGETS _cuda LIBRARY DESTINATION voxkern)
endif()
