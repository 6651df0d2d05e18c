# Installs a build, then builds and runs two projects against what was installed and nothing else: the consumer beside
# this file, and the one that docs/use-the-libraries.md shows, as it stands there.
#
#   cmake -DBUILD_DIR=build -DWORK_DIR=/tmp/consumer -P tests/consumer/run.cmake
cmake_minimum_required(VERSION 3.25)

load_cache("${BUILD_DIR}" READ_WITH_PREFIX built_
           CMAKE_GENERATOR CMAKE_BUILD_TYPE CMAKE_CXX_COMPILER CMAKE_CXX_FLAGS CMAKE_EXE_LINKER_FLAGS)

# The projects say nothing about LibTorch, and neither does their environment.
unset(ENV{VIRTUAL_ENV})
unset(ENV{CMAKE_PREFIX_PATH})
unset(ENV{DESTDIR})

file(REMOVE_RECURSE "${WORK_DIR}")
set(installed "${WORK_DIR}/installed")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${installed}"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# Builds the project in `source` in the folder WORK_DIR/name.
function(build_project name source)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${WORK_DIR}/${name}"
                          -G "${built_CMAKE_GENERATOR}"
                          "-DCMAKE_PREFIX_PATH=${installed}"
                          "-DCMAKE_BUILD_TYPE=${built_CMAKE_BUILD_TYPE}"
                          "-DCMAKE_CXX_COMPILER=${built_CMAKE_CXX_COMPILER}"
                          "-DCMAKE_CXX_FLAGS=${built_CMAKE_CXX_FLAGS}"
                          "-DCMAKE_EXE_LINKER_FLAGS=${built_CMAKE_EXE_LINKER_FLAGS}"
                  OUTPUT_VARIABLE said ECHO_OUTPUT_VARIABLE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT said MATCHES "LibTorch [0-9.]+ from what linreg was built with")
    message(FATAL_ERROR "Took another LibTorch than linreg was built with")
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK_DIR}/${name}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Runs a command in WORK_DIR. Seed 0's values, in digits that no BLAS or vector width changes.
function(expect output)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${WORK_DIR}" OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "${output}")
    message(FATAL_ERROR "${ARGN} printed\n${printed}\nand not ${output}")
  endif()
endfunction()

build_project(build "${CMAKE_CURRENT_LIST_DIR}")
expect("^scratch 0[.]0392, concise 0[.]0002\ntensor\\(\\[6, 7, 1, 4\\]\\)\n$" "${WORK_DIR}/build/consumer")
expect("^epoch 1, loss 0[.]0391[0-9]+\n" "${installed}/bin/linreg" scratch --epochs 1)

file(READ "${CMAKE_CURRENT_LIST_DIR}/../../docs/use-the-libraries.md" page)
foreach(block IN ITEMS cmake:CMakeLists.txt cpp:main.cpp)
  string(REGEX MATCH "^(.+):(.+)$" _ "${block}")
  set(file "${WORK_DIR}/shown/${CMAKE_MATCH_2}")
  if(NOT page MATCHES "\n```${CMAKE_MATCH_1}\n([^`]+)```\n")
    message(FATAL_ERROR "docs/use-the-libraries.md shows no ${block}")
  endif()
  file(WRITE "${file}" "${CMAKE_MATCH_1}")
endforeach()
build_project(shown/build "${WORK_DIR}/shown")
expect("^tensor\\(\\[\\[ 1[.]9989, -3[.]399[0-9]\\]\\]\\)\n$" shown/build/mine)
file(COPY_FILE "${WORK_DIR}/net.pt" "${WORK_DIR}/shown/net.pt")
expect("^epoch 1" "${installed}/bin/linreg" concise --save net.pt)
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files net.pt shown/net.pt WORKING_DIRECTORY "${WORK_DIR}"
                COMMAND_ERROR_IS_FATAL ANY)
