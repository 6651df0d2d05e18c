# Installs the libraries with find_package(linreg) for their users, and the program with what it runs and reads.
# Included at the end of the top CMakeLists.txt, when every target exists.
include(CMakePackageConfigHelpers)

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/linreg")

set(linreg_COMPONENTS data training analysis scratch concise fused pytorch report)
foreach(_name IN LISTS linreg_COMPONENTS)
  install(TARGETS linreg_${_name} EXPORT linregTargets FILE_SET HEADERS)
endforeach()

install(EXPORT linregTargets NAMESPACE linreg:: DESTINATION "${_package_dir}")
list(JOIN linreg_COMPONENTS ", " linreg_COMPONENTS)
configure_package_config_file(cmake/linregConfig.cmake.in linregConfig.cmake INSTALL_DESTINATION "${_package_dir}")
write_basic_package_version_file(linregConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/linregConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/linregConfigVersion.cmake"
              cmake/FindLibTorch.cmake
        DESTINATION "${_package_dir}")

# The program keeps the path of a LibTorch that is in no system folder, as a wheel's. INSTALL_RPATH_USE_LINK_PATH would
# leave out a virtual environment inside the project, and the program would load the distribution's LibTorch instead.
cmake_path(GET LibTorch_LIBRARY PARENT_PATH _libtorch_folder)
if(NOT _libtorch_folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
  set_target_properties(linreg PROPERTIES INSTALL_RPATH "${_libtorch_folder}")
endif()
install(TARGETS linreg)
install(DIRECTORY app/python DESTINATION "${CMAKE_INSTALL_DATADIR}/linreg"
        FILES_MATCHING PATTERN "*.py" PATTERN "*.json" PATTERN "__pycache__" EXCLUDE)
