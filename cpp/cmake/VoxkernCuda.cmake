# SPDX-License-Identifier: Apache-2.0
# voxkern_cuda: the kernels of all .cu files, compiled by nvcc or for the CPU by the executor
# (tests/cuda_executor). _cuda: the extension over it, loaded by Python on the first GPU array. It needs
# nothing of a GPU until then: cudart is linked statically, libcuda is never bundled.

# AUTO: for the GPU of this machine, where there is one and nvcc knows it.
set(voxkern_cuda ${VOXKERN_CUDA})
if(voxkern_cuda STREQUAL "AUTO")
  set(voxkern_cuda OFF)
  if(EXISTS /dev/nvidia0)
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      set(voxkern_probe ${CMAKE_CURRENT_BINARY_DIR}/nvcc_probe)
      file(WRITE ${voxkern_probe}.cu "static_assert(__CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ >= 1209);\n"
                                     "__global__ void probe() {}\n")
      execute_process(
        COMMAND ${CMAKE_CUDA_COMPILER} -std=c++17 -arch=native -c ${voxkern_probe}.cu -o ${voxkern_probe}.o
        RESULT_VARIABLE voxkern_probed OUTPUT_QUIET ERROR_QUIET)
      if(voxkern_probed EQUAL 0)
        set(voxkern_cuda ON)
        set(VOXKERN_CUDA_ARCHITECTURES native)
      endif()
    endif()
  endif()
  message(STATUS "voxkern: _cuda for a GPU on this machine: ${voxkern_cuda}")
endif()
if(NOT voxkern_cuda)
  return()
endif()

if(voxkern_cuda STREQUAL "EXECUTOR")
  add_subdirectory(tests/cuda_executor)
  set(voxkern_cuda_runtime cuda_executor)
else()
  # For a wheel: machine code for all architectures, made of the PTX of the oldest one, which goes along. No kernel asks
  # which architecture it is for, the code is the same as if each had its own PTX, and nvcc translates the C++ once.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    if(VOXKERN_CUDA_ARCHITECTURES STREQUAL "wheel")
      set(CMAKE_CUDA_ARCHITECTURES OFF)
      set(voxkern_cuda_code "--generate-code=arch=compute_75,code=[compute_75,sm_75,sm_80,sm_90,sm_100,sm_120]")
    else()
      set(CMAKE_CUDA_ARCHITECTURES ${VOXKERN_CUDA_ARCHITECTURES})
    endif()
  endif()
  enable_language(CUDA)
  # Of host code, which launches and plans.
  set(CMAKE_CUDA_FLAGS_RELEASE "-O1 -DNDEBUG")
  find_package(CUDAToolkit REQUIRED)
  set(voxkern_cuda_runtime CUDA::cudart_static)
endif()

# Adds .cu files to a target; the executor reads them as C++. At -O1 they compile in two thirds of the time and run as
# fast: what the fibers do costs more than what the kernels compute.
function(voxkern_cuda_sources target)
  target_sources(${target} PRIVATE ${ARGN})
  if(voxkern_cuda STREQUAL "EXECUTOR")
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS
                                "-Wno-unknown-pragmas;$<$<CONFIG:Release>:-O1>")
  endif()
endfunction()

# Options of every target with .cu files. -fmad=false: sums must not be fused behind our back here either.
function(voxkern_cuda_options target)
  voxkern_target_options(${target})
  target_link_libraries(${target} PUBLIC ${voxkern_cuda_runtime})
  if(voxkern_cuda STREQUAL "EXECUTOR")
    return()
  endif()
  target_compile_features(${target} PRIVATE cuda_std_17)
  set(options -fmad=false -Xcompiler=-fvisibility=hidden)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
    list(APPEND options --compress-mode=size)
  endif()
  if(VOXKERN_WERROR)
    # Of ptxas too: registers that spill to memory are a warning of its, and so an error.
    list(APPEND options "SHELL:-Werror all-warnings" -Xptxas=-warn-spills)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${options}>")
  set_target_properties(${target} PROPERTIES CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
endfunction()

# Plans and tables are host code: those of voxkern_core.
add_library(voxkern_cuda STATIC)
voxkern_cuda_options(voxkern_cuda)
target_compile_options(voxkern_cuda PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${voxkern_cuda_code}>")
target_link_libraries(voxkern_cuda PUBLIC voxkern_core)

if(VOXKERN_PYTHON)
  voxkern_add_module(_cuda bindings/cuda_run.cpp)
  target_link_libraries(_cuda PRIVATE voxkern_cuda)
  if(voxkern_cuda STREQUAL "ON")
    # Names of functions that launch tell little, those of kernels stay: 240 kB in a wheel.
    target_link_options(_cuda PRIVATE $<$<CONFIG:Release>:-Wl,--strip-all>)
  endif()
  target_compile_definitions(_cuda PRIVATE VOXKERN_CUDA_MODULE)
  if(voxkern_cuda STREQUAL "EXECUTOR")
    target_sources(_cuda PRIVATE tests/cuda_executor/executor_bind.cpp)
    set_property(GLOBAL APPEND PROPERTY VOXKERN_BOUND__cuda cuda_executor)
  endif()
endif()

if(voxkern_cuda STREQUAL "ON")
  # The executor's own test kernels, compiled by nvcc on request: what they use is CUDA, not an imitation.
  add_library(cuda_executor_kernels OBJECT EXCLUDE_FROM_ALL tests/cuda_executor/kernels.cu
              tests/cuda_executor/block_kernels.cu)
  # A kernel that spills: nox -s cuda looks that it does not compile.
  add_library(cuda_spills OBJECT EXCLUDE_FROM_ALL tests/cuda_spills.cu)
  foreach(target IN ITEMS cuda_executor_kernels cuda_spills)
    voxkern_cuda_options(${target})
    set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES 90-real)
  endforeach()
endif()
