# Installs a build, then builds and runs the consumer project against what was installed and nothing else.
#
#   cmake -DBUILD_DIR=build -DWORK_DIR=/tmp/consumer -P tests/consumer/run.cmake
cmake_minimum_required(VERSION 3.25)

load_cache("${BUILD_DIR}" READ_WITH_PREFIX built_
           CMAKE_GENERATOR CMAKE_BUILD_TYPE CMAKE_CXX_COMPILER CMAKE_CXX_FLAGS CMAKE_EXE_LINKER_FLAGS)

# The consumer says nothing about LibTorch, and neither does its environment.
unset(ENV{VIRTUAL_ENV})
unset(ENV{CMAKE_PREFIX_PATH})
unset(ENV{DESTDIR})

file(REMOVE_RECURSE "${WORK_DIR}")
set(installed "${WORK_DIR}/installed")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${installed}"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK_DIR}/build"
                        -G "${built_CMAKE_GENERATOR}"
                        "-DCMAKE_PREFIX_PATH=${installed}"
                        "-DCMAKE_BUILD_TYPE=${built_CMAKE_BUILD_TYPE}"
                        "-DCMAKE_CXX_COMPILER=${built_CMAKE_CXX_COMPILER}"
                        "-DCMAKE_CXX_FLAGS=${built_CMAKE_CXX_FLAGS}"
                        "-DCMAKE_EXE_LINKER_FLAGS=${built_CMAKE_EXE_LINKER_FLAGS}"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/build" COMMAND_ERROR_IS_FATAL ANY)

# Seed 0's losses, in digits that no BLAS or vector width changes.
function(expect output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "${output}")
    message(FATAL_ERROR "${ARGN} printed\n${printed}\nand not ${output}")
  endif()
endfunction()
expect("^scratch 0[.]0392, concise 0[.]0002\n$" "${WORK_DIR}/build/consumer")
expect("^epoch 1, loss 0[.]0391[0-9]+\n" "${installed}/bin/linreg" scratch --epochs 1)
