# SPDX-License-Identifier: Apache-2.0
# Inspects object files: BASELINE, v2, v3, v4 hold paths joined with "|".
set(failed FALSE)

function(forbid pattern what objects)
  foreach(object IN LISTS objects)
    execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${object} OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
    if(listing MATCHES "${pattern}")
      message(SEND_ERROR "${object}: holds ${what}: ${CMAKE_MATCH_0}")
    endif()
  endforeach()
endfunction()

foreach(level BASELINE v2 v3 v4)
  string(REPLACE "|" ";" ${level} "${${level}}")
  if(NOT ${level})
    message(FATAL_ERROR "no objects given for ${level}")
  endif()
endforeach()

forbid("\tv[a-z0-9]+ [^\n]*%[xyz]mm" "AVX instructions" "${BASELINE}")
forbid("\tv[a-z0-9]+ [^\n]*%[xyz]mm" "AVX instructions" "${v2}")
forbid("%zmm[^\n]*" "AVX-512 registers" "${v3}")

# A weak symbol of a level unit could replace the baseline's copy at link time.
foreach(level v2 v3 v4)
  foreach(object IN LISTS ${level})
    execute_process(COMMAND ${NM} --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
    if(symbols MATCHES "[0-9a-f]+ [WVu] [^\n]*")
      message(SEND_ERROR "${object}: exports a weak symbol: ${CMAKE_MATCH_0}")
    endif()
    string(REGEX MATCHALL "[0-9a-f]+ [TDBR] [^\n]*" strong "${symbols}")
    foreach(symbol IN LISTS strong)
      if(NOT symbol MATCHES "7voxkern[0-9]+[a-z0-9_]+2${level}")
        message(SEND_ERROR "${object}: exports ${symbol} outside namespace voxkern::<kernel>::${level}")
      endif()
    endforeach()
    if(NOT strong)
      message(SEND_ERROR "${object}: exports nothing")
    endif()
  endforeach()
endforeach()

# The check itself must be able to fail: wide registers are there where they belong.
list(GET v4 0 object)
execute_process(COMMAND ${OBJDUMP} -d --no-show-raw-insn ${object} OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
if(NOT listing MATCHES "%zmm")
  message(SEND_ERROR "${object}: no AVX-512 at all: level flags are missing")
endif()
