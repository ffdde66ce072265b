# The targets of headers that need more than polis.hpp does; each exists where its libraries do. Included by
# polis's own build, where they link the target polis, and by find_package(polis), where they link polis::polis.
#   polis::io       what polis/io, polis/deploy and polis/report need (yaml-cpp, nlohmann-json)
#   polis::stats    what polis/stats needs (Eigen)
#   polis::xtensor  what polis/xtensor.hpp needs
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
if(NOT TARGET polis::precompiled)
  add_library(polis::precompiled INTERFACE IMPORTED GLOBAL)
  target_link_libraries(polis::precompiled INTERFACE polis::polis)
  target_precompile_headers(polis::precompiled INTERFACE <polis/polis.hpp>)
endif()
