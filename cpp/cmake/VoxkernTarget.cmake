# SPDX-License-Identifier: Apache-2.0
# Compile options, warnings and instrumentation, attached per target.

# -ffp-contract=off: GCC would otherwise fuse multiplications and additions behind our back, and
# coordinates and parity sums would change with the ISA level. The other two only let the compiler
# forget errno and trapping comparisons; no value depends on them.
set(VOXKERN_COMPILE_OPTIONS
    $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-ffp-contract=off;-fno-math-errno;-fno-trapping-math>)

set(VOXKERN_WARNINGS
    $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wall;-Wextra;-Wshadow;-Wconversion>)

function(voxkern_target_options target)
  target_compile_features(${target} PUBLIC cxx_std_17)
  target_compile_options(${target} PRIVATE ${VOXKERN_COMPILE_OPTIONS} ${VOXKERN_WARNINGS})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${VOXKERN_CPP_DIR}>
                                              $<INSTALL_INTERFACE:${VOXKERN_INCLUDE_DIR}>)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                                             POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
  if(VOXKERN_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Werror>)
  endif()
  if(VOXKERN_ASSERT)
    target_compile_definitions(${target} PUBLIC VOXKERN_ENABLE_ASSERT)
  endif()
  if(VOXKERN_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${VOXKERN_SANITIZE} -fno-sanitize-recover=all
                                            -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${VOXKERN_SANITIZE})
  endif()
  if(VOXKERN_COVERAGE)
    target_compile_options(${target} PUBLIC --coverage -O0)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()
