# The targets of headers that need more than polis.hpp does; each exists where its libraries do. Included by
# polis's own build, where they link the target polis, and by find_package(polis), where they link polis::polis.
#   polis::io       what polis/io, polis/deploy and polis/report need (yaml-cpp, nlohmann-json)
#   polis::stats    what polis/stats needs (Eigen)
#   polis::xtensor  what polis/xtensor.hpp needs
#   polis::mpi      what polis/mpi.hpp needs, unless POLIS_MPI is off
#   polis::cuda     what polis/device/cuda.hpp needs: the CUDA runtime; and polis_add_kernels(TARGET FILE.cu...)
# and polis::precompiled: polis.hpp compiled ahead, once for each target that links it, with the target's own flags.

# Targets that are found here shall be seen wherever polis's own are.
macro(polis_find_package package target)
  if(NOT TARGET ${target})
    find_package(${package} QUIET ${ARGN})
    if(TARGET ${target})
      set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endif()
endmacro()
polis_find_package(yaml-cpp yaml-cpp)
polis_find_package(nlohmann_json nlohmann_json::nlohmann_json)
polis_find_package(Eigen3 Eigen3::Eigen NO_MODULE)
find_path(POLIS_XTENSOR_INCLUDE_DIR xtensor/xadapt.hpp DOC "Where xtensor/xadapt.hpp lies")

if(TARGET yaml-cpp AND TARGET nlohmann_json::nlohmann_json AND NOT TARGET polis::io)
  add_library(polis::io INTERFACE IMPORTED GLOBAL)
  target_link_libraries(polis::io INTERFACE polis::polis yaml-cpp nlohmann_json::nlohmann_json)
endif()
if(TARGET Eigen3::Eigen AND NOT TARGET polis::stats)
  add_library(polis::stats INTERFACE IMPORTED GLOBAL)
  target_link_libraries(polis::stats INTERFACE polis::polis Eigen3::Eigen)
endif()
if(POLIS_XTENSOR_INCLUDE_DIR AND NOT TARGET polis::xtensor)
  add_library(polis::xtensor INTERFACE IMPORTED GLOBAL)
  target_link_libraries(polis::xtensor INTERFACE polis::polis)
  target_include_directories(polis::xtensor INTERFACE ${POLIS_XTENSOR_INCLUDE_DIR})
endif()
option(POLIS_MPI "Look for an MPI, for polis::mpi" ON)
if(POLIS_MPI AND NOT TARGET polis::mpi)
  set(MPI_CXX_SKIP_MPICXX TRUE)
  polis_find_package(MPI MPI::MPI_CXX COMPONENTS CXX)
  if(TARGET MPI::MPI_CXX)
    add_library(polis::mpi INTERFACE IMPORTED GLOBAL)
    target_link_libraries(polis::mpi INTERFACE polis::polis MPI::MPI_CXX)
  endif()
endif()
find_program(POLIS_NVCC nvcc HINTS /usr/local/cuda/bin DOC "CUDA compiler, optional")
if(POLIS_NVCC AND NOT TARGET polis::cuda)
  get_filename_component(polis_cuda_root ${POLIS_NVCC} REALPATH)
  get_filename_component(polis_cuda_root ${polis_cuda_root}/../.. ABSOLUTE)
  find_path(POLIS_CUDA_INCLUDE_DIR cuda_runtime.h HINTS ${polis_cuda_root}/include DOC "Where cuda_runtime.h lies")
  find_library(POLIS_CUDART cudart_static HINTS ${polis_cuda_root}/lib64 DOC "The CUDA runtime")
  if(POLIS_CUDA_INCLUDE_DIR AND POLIS_CUDART)
    add_library(polis::cuda INTERFACE IMPORTED GLOBAL)
    target_link_libraries(polis::cuda INTERFACE polis::polis ${POLIS_CUDART} ${CMAKE_DL_LIBS} rt)
    target_include_directories(polis::cuda SYSTEM INTERFACE ${POLIS_CUDA_INCLUDE_DIR})
  endif()
endif()
set(POLIS_CUDA_ARCHITECTURES 90 CACHE STRING
  "Compute capabilities that kernels are compiled for; later GPUs translate the last one's when they start")

set(POLIS_CUDA_FLAGS -O3 CACHE STRING "How kernels are optimised")

# polis_add_kernels(TARGET FILE.cu...): compiles kernels (POLIS_INSTANTIATE_KERNELS) by nvcc into a target that
# links polis::cuda. CMake's own CUDA language knows no C++20 before 3.26 and no nvcc 13 before 4.1.
function(polis_add_kernels target)
  set(code)
  foreach(architecture ${POLIS_CUDA_ARCHITECTURES})
    list(APPEND code -gencode arch=compute_${architecture},code=sm_${architecture})
    set(last ${architecture})
  endforeach()
  list(APPEND code -gencode arch=compute_${last},code=compute_${last})
  foreach(source ${ARGN})
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(name ${source} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${target}_${name}.o)
    set(includes $<TARGET_PROPERTY:polis::polis,INTERFACE_INCLUDE_DIRECTORIES>)
    add_custom_command(OUTPUT ${object}
      COMMAND ${POLIS_NVCC} -std=c++20 --expt-relaxed-constexpr ${POLIS_CUDA_FLAGS} ${code} -ccbin ${CMAKE_CXX_COMPILER}
        "-I$<JOIN:${includes},;-I>" -MD -MF ${object}.d -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d COMMAND_EXPAND_LISTS VERBATIM)
    target_sources(${target} PRIVATE ${object})
  endforeach()
endfunction()

if(NOT TARGET polis::precompiled)
  add_library(polis::precompiled INTERFACE IMPORTED GLOBAL)
  target_link_libraries(polis::precompiled INTERFACE polis::polis)
  target_precompile_headers(polis::precompiled INTERFACE <polis/polis.hpp>)
endif()
