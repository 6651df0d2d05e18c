# Proves which LibTorch cmake/FindLibTorch.cmake takes, and what it says where there is none or an unusable one. The
# LibTorches are folders of small files with the right names, except for the last case's: that one is real.
#
#   cmake -DWORK_DIR=/tmp/find_libtorch -DGENERATOR=Ninja -DCXX=/usr/bin/c++ -DPREFIX=/usr -P tests/cmake/find_libtorch_test.cmake
cmake_minimum_required(VERSION 3.25)

# --- helpers ---

function(write_libtorch prefix version)
  string(REPLACE "." ";" parts "${version}")
  list(GET parts 0 major)
  list(GET parts 1 minor)
  list(GET parts 2 patch)
  file(WRITE "${prefix}/include/torch/csrc/api/include/torch/version.h"
       "#pragma once\n#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n"
       "#define TORCH_VERSION_PATCH ${patch}\n#define TORCH_VERSION \"${version}\"\n")
  foreach(library IN ITEMS torch torch_cpu c10)
    file(WRITE "${prefix}/lib/lib${library}.so" "_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_string")
  endforeach()
endfunction()

# A virtual environment, with a python that answers where its torch is.
function(write_virtual_environment folder version)
  set(torch "${folder}/lib/python3.11/site-packages/torch")
  write_libtorch("${torch}" "${version}")
  file(WRITE "${folder}/bin/python3.11" "#!/bin/sh\necho '${torch}'\n")
  file(CHMOD "${folder}/bin/python3.11" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()

# Starts a case. Its build folder knows its compiler, as a second of the time goes into that, and nothing else.
macro(case name)
  set(case "${name}")
  set(ENV{VIRTUAL_ENV})
  set(ENV{CMAKE_PREFIX_PATH})
  file(REMOVE_RECURSE "${WORK_DIR}/build")
  file(COPY "${WORK_DIR}/found_nothing/build" DESTINATION "${WORK_DIR}")
endmacro()

# Configures with the arguments ARGN, from WORK_DIR. What it printed is compared without its line breaks.
function(configure)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK_DIR}/build" -G "${GENERATOR}"
                          "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_HAVE_LIBC_PTHREAD=TRUE ${ARGN}
                  WORKING_DIRECTORY "${WORK_DIR}" OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text)
  string(FIND "${output}" "${text}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "${case}: expected\n  ${text}\nin\n  ${output}")
  endif()
endfunction()

# --- the LibTorches of the cases ---

file(REMOVE_RECURSE "${WORK_DIR}")
file(MAKE_DIRECTORY "${WORK_DIR}/empty")
file(REAL_PATH "${WORK_DIR}" WORK_DIR)
unset(ENV{LibTorch_ROOT})
write_libtorch("${WORK_DIR}/system" 2.1.0)
write_virtual_environment("${WORK_DIR}/venv" 2.2.0)
write_virtual_environment("${WORK_DIR}/other" 2.3.0)
write_libtorch("${WORK_DIR}/zip/libtorch" 2.4.1)
set(system "-DSYSTEM_PREFIX=${WORK_DIR}/system")
set(no_system "-DSYSTEM_PREFIX=${WORK_DIR}/empty")

file(MAKE_DIRECTORY "${WORK_DIR}/found_nothing/build")
case("none at all")
configure(${no_system})
expect("CMake Error")
expect("There is no LibTorch here. Three ways to get one:")
expect("apt install libtorch-dev")
expect("pip install torch")
expect("-DLINREG_PYTHON=")
expect("pytorch.org")
expect("-DCMAKE_PREFIX_PATH=libtorch")
file(COPY "${WORK_DIR}/build" DESTINATION "${WORK_DIR}/found_nothing")

# --- the order ---

case("the distribution's")
configure(${system})
expect("-- LibTorch 2.1.0 from the distribution (${WORK_DIR}/system), built for the CPU")
expect("python [] CUDA [FALSE]")

case("an active virtual environment goes before the distribution")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/venv")
configure(${system})
expect("LibTorch 2.2.0 from the virtual environment ${WORK_DIR}/venv (")
expect("python [${WORK_DIR}/venv/bin/python3.11]")

set(case "and is remembered when the build folder is configured from another shell")
set(ENV{VIRTUAL_ENV})
configure()
expect("LibTorch 2.2.0 from the virtual environment ${WORK_DIR}/venv (")

set(case "unless the user names another")
configure(-DCMAKE_PREFIX_PATH=${WORK_DIR}/zip/libtorch)
expect("LibTorch 2.4.1 from what CMAKE_PREFIX_PATH names (${WORK_DIR}/zip/libtorch)")

case("a virtual environment without PyTorch leaves it to the distribution")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/empty")
configure(${system})
expect("LibTorch 2.1.0 from the distribution")

case("CMAKE_PREFIX_PATH goes before an active virtual environment")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/venv")
configure(${system} "-DCMAKE_PREFIX_PATH=${WORK_DIR}/empty\\;${WORK_DIR}/zip/libtorch")
expect("LibTorch 2.4.1 from what CMAKE_PREFIX_PATH names (${WORK_DIR}/zip/libtorch)")

case("so does the environment's CMAKE_PREFIX_PATH")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/venv")
set(ENV{CMAKE_PREFIX_PATH} "${WORK_DIR}/empty:${WORK_DIR}/zip/libtorch")
configure(${system})
expect("LibTorch 2.4.1 from what the environment's CMAKE_PREFIX_PATH names (${WORK_DIR}/zip/libtorch)")

case("so does LINREG_PYTHON")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/venv")
configure(${system} -DLINREG_PYTHON=${WORK_DIR}/other/bin/python3.11)
expect("LibTorch 2.3.0 from the PyTorch of ${WORK_DIR}/other/bin/python3.11 (")
expect("python [${WORK_DIR}/other/bin/python3.11]")

case("so does Torch_DIR")
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/venv")
configure(${system} -DTorch_DIR=${WORK_DIR}/zip/libtorch/share/cmake/Torch)
expect("LibTorch 2.4.1 from what Torch_DIR names (${WORK_DIR}/zip/libtorch)")

# --- the ways to name one ---

foreach(path IN ITEMS zip/libtorch zip ./zip/../zip zip/libtorch/share/cmake)
  case("a relative CMAKE_PREFIX_PATH, ${path}")
  configure(${no_system} -DCMAKE_PREFIX_PATH=${path})
  expect("LibTorch 2.4.1 from what CMAKE_PREFIX_PATH names (${WORK_DIR}/zip/libtorch)")
endforeach()

foreach(path IN ITEMS other other/lib/python3.11/site-packages other/lib/python3.11/site-packages/torch/share/cmake)
  case("CMAKE_PREFIX_PATH in a virtual environment, ${path}")
  configure(${no_system} -DCMAKE_PREFIX_PATH=${path})
  expect("python [${WORK_DIR}/other/bin/python3.11]")
endforeach()

case("a relative LINREG_PYTHON")
configure(${no_system} -DLINREG_PYTHON=other/bin/python3.11)
expect("LibTorch 2.3.0 from the PyTorch of ${WORK_DIR}/other/bin/python3.11 (")

case("a LINREG_PYTHON that PATH finds")
set(path "$ENV{PATH}")
set(ENV{PATH} "${WORK_DIR}/other/bin:${path}")
configure(${no_system} -DLINREG_PYTHON=python3.11)
set(ENV{PATH} "${path}")
expect("python [${WORK_DIR}/other/bin/python3.11]")

case("a build for CUDA")
write_libtorch("${WORK_DIR}/cuda" 2.14.1)
file(WRITE "${WORK_DIR}/cuda/lib/libtorch_cuda.so" "")
configure(${no_system} -DCMAKE_PREFIX_PATH=cuda)
expect("LibTorch 2.14.1 from what CMAKE_PREFIX_PATH names (${WORK_DIR}/cuda), built for CUDA")
expect("CUDA [TRUE]")

case("a version that is in headeronly/version.h")
write_libtorch("${WORK_DIR}/headeronly" 2.13.0)
file(RENAME "${WORK_DIR}/headeronly/include/torch/csrc/api/include/torch/version.h" "${WORK_DIR}/version.h")
file(WRITE "${WORK_DIR}/headeronly/include/torch/csrc/api/include/torch/version.h"
     "#include <torch/headeronly/version.h>\n")
file(COPY "${WORK_DIR}/version.h" DESTINATION "${WORK_DIR}/headeronly/include/torch/headeronly")
configure(${no_system} -DCMAKE_PREFIX_PATH=headeronly)
expect("LibTorch 2.13.0 from")

# --- what goes wrong ---

case("Torch_DIR without LibTorch")
configure(${system} -DTorch_DIR=${WORK_DIR}/empty)
expect("CMake Error")
expect("Torch_DIR names ${WORK_DIR}/empty, and no LibTorch is there.")

case("a Python without PyTorch")
configure(${system} -DLINREG_PYTHON=/bin/false)
expect("CMake Error")
expect("LINREG_PYTHON names /bin/false, and that Python has no PyTorch with LibTorch in it.")

foreach(python IN ITEMS /nonexistent/python no-such-python)
  case("a Python that is mistyped, ${python}")
  configure(${system} -DLINREG_PYTHON=${python})
  expect("CMake Error")
  expect("LINREG_PYTHON names ${python}, and there is no such program.")
endforeach()

case("a CMAKE_PREFIX_PATH that is mistyped")
configure(${system} -DCMAKE_PREFIX_PATH=zip/libtroch)
expect("CMAKE_PREFIX_PATH names ${WORK_DIR}/zip/libtroch, which is not a folder.")

case("a CMAKE_PREFIX_PATH without LibTorch")
configure(${system} -DCMAKE_PREFIX_PATH=empty)
expect("CMake Warning")
expect("CMAKE_PREFIX_PATH names ${WORK_DIR}/empty, and no LibTorch is there.")
expect("LibTorch 2.1.0 from the distribution")

case("an older version than asked for")
configure(${system} -DWANTED=2.2)
expect("CMake Error")
expect("LibTorch 2.1.0 in ${WORK_DIR}/system (the distribution) does not suit:")

case("the old C++ ABI")
write_libtorch("${WORK_DIR}/old" 2.5.1)
set(old_abi "_ZN3c105ErrorC1ENS_14SourceLocationESs")
file(WRITE "${WORK_DIR}/old/lib/libc10.so" "${old_abi}")
configure(${no_system} -DCMAKE_PREFIX_PATH=old)
expect("CMake Error")
expect("LibTorch 2.5.1 in ${WORK_DIR}/old (what CMAKE_PREFIX_PATH names) has the old C++ ABI")
expect("pip install 'torch>=2.7'")

case("the old C++ ABI in an active virtual environment")
write_virtual_environment("${WORK_DIR}/old_venv" 2.5.1)
set(ENV{VIRTUAL_ENV} "${WORK_DIR}/old_venv")
file(WRITE "${WORK_DIR}/old_venv/lib/python3.11/site-packages/torch/lib/libc10.so" "${old_abi}")
configure(${system})
expect("has the old C++ ABI")

set(case "and another shell is not held to it")
set(ENV{VIRTUAL_ENV})
configure()
expect("LibTorch 2.1.0 from the distribution")

# --- the real one ---

case("the LibTorch of this build")
configure(${no_system} -DLibTorch_ROOT=${PREFIX})
expect("from what LibTorch_ROOT names (${PREFIX})")
expect("Configuring done")
