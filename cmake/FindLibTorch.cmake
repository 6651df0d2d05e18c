# Finds LibTorch wherever the user has it: from the distribution, from `pip install torch`, or from the zip of
# pytorch.org. TorchConfig.cmake is not asked: a CUDA wheel's refuses to load where the CUDA toolkit is missing.
#
# The first of these that has a LibTorch wins:
#   1. what the user names with -D: CMAKE_PREFIX_PATH, Torch_DIR, or LINREG_PYTHON=/path/to/python
#      (and as for every find_package, LibTorch_ROOT before them and the environment's CMAKE_PREFIX_PATH after them;
#      for users of an installed linreg the LibTorch that it was built with, right after LibTorch_ROOT)
#   2. the PyTorch of the active virtual environment
#   3. the distribution's
# What the environment named is remembered, since a build folder outlives the shell that configured it.
#
# Gives the target LibTorch::LibTorch, and
#   LibTorch_FOUND, LibTorch_VERSION
#   LibTorch_PREFIX   the folder that holds its include/ and lib/
#   LibTorch_ORIGIN   in words, which of the above it was
#   LibTorch_PYTHON   the Python whose wheel it is, or empty
#   LibTorch_CUDA     whether it was built for CUDA (the target links only what runs on the CPU)
cmake_policy(VERSION 3.25)
include(FindPackageHandleStandardArgs)
find_package(Threads REQUIRED QUIET)

# Takes the LibTorch in one of the folders ARGN, unless one was found before.
function(_libtorch_look_in origin)
  if(LibTorch_PREFIX)
    return()
  endif()
  set(folders "")
  foreach(folder IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY "${CMAKE_SOURCE_DIR}")
    # Torch_DIR and torch.utils.cmake_prefix_path name folders of CMake files inside the prefix.
    string(REGEX REPLACE "/(share|lib|lib/[^/]+-linux-[^/]+)/cmake(/Torch)?/?$" "" folder "${folder}")
    file(GLOB site_packages "${folder}/lib/python3*/site-packages")
    list(APPEND folders "${folder}" ${site_packages})
  endforeach()
  find_path(include_dir torch/csrc/api/include/torch/version.h NO_CACHE NO_DEFAULT_PATH
            PATHS ${folders} PATH_SUFFIXES include torch/include libtorch/include)
  if(include_dir)
    # Debian's Python package holds links to the system's headers: followed, they lead to the system's prefix.
    file(REAL_PATH "${include_dir}/torch" torch)
    cmake_path(GET torch PARENT_PATH include_dir)
    cmake_path(GET include_dir PARENT_PATH prefix)
    find_library(torch_cpu torch_cpu NO_CACHE NO_DEFAULT_PATH
                 PATHS "${prefix}" PATH_SUFFIXES lib "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
    if(torch_cpu)
      set(LibTorch_PREFIX "${prefix}" PARENT_SCOPE)
      set(LibTorch_ORIGIN "${origin}" PARENT_SCOPE)
      set(LibTorch_LIBRARY "${torch_cpu}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# CMake reads a relative path of the command line from where it was started, once the variable is declared a path.
# A bare name of a Python is left to PATH.
foreach(_variable IN ITEMS LibTorch_ROOT CMAKE_PREFIX_PATH Torch_DIR LINREG_PYTHON)
  get_property(_type CACHE ${_variable} PROPERTY TYPE)
  if(_type STREQUAL "UNINITIALIZED" AND NOT "${_variable}=${${_variable}}" MATCHES "^LINREG_PYTHON=[^/]*$")
    set(${_variable} "" CACHE PATH "Where to look for LibTorch")
  endif()
endforeach()

unset(LibTorch_PREFIX)
unset(LibTorch_PYTHON)
_libtorch_look_in("what LibTorch_ROOT names" ${LibTorch_ROOT})
_libtorch_look_in("what linreg was built with" ${LibTorch_OF_LINREG})
_libtorch_look_in("what CMAKE_PREFIX_PATH names" ${CMAKE_PREFIX_PATH})
_libtorch_look_in("what Torch_DIR names" ${Torch_DIR})
if(LINREG_PYTHON AND NOT LibTorch_PREFIX)
  find_program(LibTorch_PYTHON "${LINREG_PYTHON}" NO_CACHE)
  set(_folder "")
  execute_process(  # asks where torch is rather than import it, which takes seconds
    COMMAND "${LibTorch_PYTHON}" -c
            "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  _libtorch_look_in("the PyTorch of ${LINREG_PYTHON}" ${_folder})
endif()

set(_problem "")
if(NOT LibTorch_PREFIX AND Torch_DIR)
  set(_problem "Torch_DIR names ${Torch_DIR}, and no LibTorch is there.")
elseif(NOT LibTorch_PREFIX AND LINREG_PYTHON AND NOT LibTorch_PYTHON)
  set(_problem "LINREG_PYTHON names ${LINREG_PYTHON}, and there is no such program.")
elseif(NOT LibTorch_PREFIX AND LINREG_PYTHON)
  set(_problem "LINREG_PYTHON names ${LINREG_PYTHON}, and that Python has no PyTorch with LibTorch in it.")
elseif(NOT LibTorch_PREFIX)
  foreach(_folder IN LISTS CMAKE_PREFIX_PATH)
    cmake_path(ABSOLUTE_PATH _folder BASE_DIRECTORY "${CMAKE_SOURCE_DIR}")
    if(IS_DIRECTORY "${_folder}")
      message(WARNING "CMAKE_PREFIX_PATH names ${_folder}, and no LibTorch is there.")
    else()
      message(WARNING "CMAKE_PREFIX_PATH names ${_folder}, which is not a folder.")
    endif()
  endforeach()
  cmake_path(CONVERT "$ENV{CMAKE_PREFIX_PATH}" TO_CMAKE_PATH_LIST _folders)
  _libtorch_look_in("${LibTorch_REMEMBERED_ORIGIN}" ${LibTorch_REMEMBERED_PREFIX})
  _libtorch_look_in("what the environment's CMAKE_PREFIX_PATH names" ${_folders})
  _libtorch_look_in("the virtual environment $ENV{VIRTUAL_ENV}" $ENV{VIRTUAL_ENV})
  if(LibTorch_PREFIX)
    set(LibTorch_REMEMBERED_PREFIX "${LibTorch_PREFIX}" CACHE INTERNAL "")
    set(LibTorch_REMEMBERED_ORIGIN "${LibTorch_ORIGIN}" CACHE INTERNAL "")
  endif()
  _libtorch_look_in("the distribution" ${CMAKE_SYSTEM_PREFIX_PATH})
endif()

if(LibTorch_PREFIX)
  # A newer LibTorch keeps its version in headeronly/, and the old place includes that.
  set(LibTorch_VERSION "")
  foreach(_header IN ITEMS csrc/api/include/torch/version.h headeronly/version.h)
    if(NOT LibTorch_VERSION AND EXISTS "${LibTorch_PREFIX}/include/torch/${_header}")
      file(STRINGS "${LibTorch_PREFIX}/include/torch/${_header}" LibTorch_VERSION
           REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      list(TRANSFORM LibTorch_VERSION REPLACE "^.* " "")
      list(JOIN LibTorch_VERSION "." LibTorch_VERSION)
    endif()
  endforeach()
  find_package_check_version("${LibTorch_VERSION}" _suits RESULT_MESSAGE_VARIABLE _version_message)

  string(REPLACE "torch_cpu" "c10" _c10 "${LibTorch_LIBRARY}")
  string(REPLACE "torch_cpu" "torch_cuda" _torch_cuda "${LibTorch_LIBRARY}")
  set(LibTorch_CUDA FALSE)
  set(_device "the CPU")
  if(EXISTS "${_torch_cuda}")
    set(LibTorch_CUDA TRUE)
    set(_device "CUDA")
  endif()

  if(NOT LibTorch_PYTHON AND LibTorch_PREFIX MATCHES "^(.+)/lib/(python3[^/]*)/site-packages/torch$"
     AND EXISTS "${CMAKE_MATCH_1}/bin/${CMAKE_MATCH_2}")
    set(LibTorch_PYTHON "${CMAKE_MATCH_1}/bin/${CMAKE_MATCH_2}")
  endif()

  # c10::Error(SourceLocation, std::string) with the std::string that GCC had before version 5.
  file(STRINGS "${_c10}" _old_abi REGEX "_ZN3c105ErrorC[12]ENS_14SourceLocationESs" LIMIT_COUNT 1)
  if(_old_abi)
    set(_problem "\
LibTorch ${LibTorch_VERSION} in ${LibTorch_PREFIX} (${LibTorch_ORIGIN}) has the old C++ ABI, \
_GLIBCXX_USE_CXX11_ABI=0: what it calls std::string is not what fmt and GoogleTest call so, and linking would fail. \
These work:
  pip's PyTorch from 2.7 on       pip install 'torch>=2.7'
  the zip of pytorch.org          from 2.7 on; of earlier versions the one with cxx11-abi in its name
  the distribution's              apt install libtorch-dev")
  elseif(NOT _suits)
    set(_problem "\
LibTorch ${LibTorch_VERSION} in ${LibTorch_PREFIX} (${LibTorch_ORIGIN}) does not suit: ${_version_message}")
  endif()
elseif(NOT _problem)
  set(_problem "\
There is no LibTorch here. Three ways to get one:
  from the distribution      apt install libtorch-dev
  with PyTorch from pip      python3 -m venv .venv && .venv/bin/pip install torch
                             cmake -B build -DLINREG_PYTHON=.venv/bin/python
  the zip of pytorch.org     (https://pytorch.org/get-started/locally: LibTorch, C++)
                             unzip libtorch-*.zip && cmake -B build -DCMAKE_PREFIX_PATH=libtorch")
endif()

if(_problem)
  unset(LibTorch_REMEMBERED_PREFIX CACHE)
  set(LibTorch_FOUND FALSE)
  set(LibTorch_NOT_FOUND_MESSAGE "${_problem}")
  if(LibTorch_FIND_REQUIRED)
    message(FATAL_ERROR "${_problem}")
  endif()
  return()
endif()

set(LibTorch_FOUND TRUE)
if(NOT LibTorch_FIND_QUIETLY)
  message(STATUS "LibTorch ${LibTorch_VERSION} from ${LibTorch_ORIGIN} (${LibTorch_PREFIX}), built for ${_device}")
endif()

if(NOT TARGET LibTorch::LibTorch)
  set(_include_dir "${LibTorch_PREFIX}/include")
  if(NOT _include_dir IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    # A wheel's include/ also holds the fmt, pybind11 and protobuf that it was built with: its fmt would be compiled
    # and the system's linked. So the include path gets links to LibTorch's own headers and no more, in a folder whose
    # name changes with LibTorch, for then everything is compiled anew.
    string(SHA256 _hash "${LibTorch_PREFIX}")
    string(SUBSTRING "${_hash}" 0 8 _hash)
    set(_include_dir "${CMAKE_BINARY_DIR}/LibTorch/${LibTorch_VERSION}-${_hash}/include")
    file(MAKE_DIRECTORY "${_include_dir}")
    foreach(_folder IN ITEMS ATen c10 caffe2 torch)
      if(EXISTS "${LibTorch_PREFIX}/include/${_folder}")
        file(CREATE_LINK "${LibTorch_PREFIX}/include/${_folder}" "${_include_dir}/${_folder}" SYMBOLIC)
      endif()
    endforeach()
  endif()

  # libtorch itself has no code: it only loads libtorch_cpu and, in a CUDA build, libtorch_cuda with all of NVIDIA's.
  add_library(LibTorch::LibTorch UNKNOWN IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    IMPORTED_LOCATION "${LibTorch_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_include_dir};${_include_dir}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "${_c10};Threads::Threads"
    INTERFACE_COMPILE_FEATURES cxx_std_20)  # LibTorch 2.14 asks for it, 1.13 takes it
endif()
