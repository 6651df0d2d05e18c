# Installs a build, then builds and runs three projects against what was installed and nothing else: the consumer beside
# this file, and those that docs/use-the-libraries.md and docs/first-difference.md show, as they stand there.
#
#   cmake -DBUILD_DIR=build -DWORK_DIR=/tmp/consumer -DPYTHON=python3 -P tests/consumer/run.cmake
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

# Writes the first block of that language on the page of docs/ to WORK_DIR/file.
function(take page language file)
  file(READ "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../../docs/${page}" text)
  if(NOT text MATCHES "\n```${language}\n([^`]+)```\n")
    message(FATAL_ERROR "docs/${page} shows no ${language}")
  endif()
  file(WRITE "${WORK_DIR}/${file}" "${CMAKE_MATCH_1}")
endfunction()

take(use-the-libraries.md cmake shown/CMakeLists.txt)
take(use-the-libraries.md cpp shown/main.cpp)
build_project(shown/build "${WORK_DIR}/shown")
expect("^tensor\\(\\[\\[ 1[.]9989, -3[.]399[0-9]\\]\\]\\)\n$" shown/build/mine)
file(COPY_FILE "${WORK_DIR}/net.pt" "${WORK_DIR}/shown/net.pt")
expect("^epoch 1" "${installed}/bin/linreg" concise --save net.pt)
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files net.pt shown/net.pt WORKING_DIRECTORY "${WORK_DIR}"
                COMMAND_ERROR_IS_FATAL ANY)

take(use-the-libraries.md cmake port/CMakeLists.txt)
take(first-difference.md cpp port/main.cpp)
take(first-difference.md python port/main.py)
build_project(port/build "${WORK_DIR}/port")
execute_process(COMMAND "${PYTHON}" -c "import torch" RESULT_VARIABLE without_torch ERROR_QUIET)
if(without_torch)
  message(STATUS "Not compared: ${PYTHON} does not import torch")
  return()
endif()
set(ENV{PYTHONPATH} "${CMAKE_CURRENT_LIST_DIR}/../../app/python")
execute_process(COMMAND port/build/mine COMMAND "${PYTHON}" port/main.py WORKING_DIRECTORY "${WORK_DIR}"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${installed}/bin/linreg" diff --first port.pt python.pt WORKING_DIRECTORY "${WORK_DIR}"
                OUTPUT_VARIABLE printed RESULT_VARIABLE status)
# As the page shows it, but for digits that another BLAS may change.
set(shown "^  step 1: w +float32 [(]2, 1[)] +[12] of 2 differ, up to [12] ulp
    [[][01], 0[]]: [-0-9.]+ in left, [-0-9.]+ in right
NOT EQUAL: the first difference, after 2 equal tensors.
$")
if(NOT status EQUAL 1 OR NOT printed MATCHES "${shown}")
  message(FATAL_ERROR "linreg diff ends with ${status}, and prints, not as docs/first-difference.md shows:\n${printed}")
endif()
