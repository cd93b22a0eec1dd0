# What the tests of the live world share: a place of its own, and servers to talk to.
find_package(Threads REQUIRED)
add_library(live_place STATIC ${CMAKE_CURRENT_SOURCE_DIR}/world/live_place.c ${CMAKE_CURRENT_SOURCE_DIR}/world/scripted_server.c
  ${CMAKE_CURRENT_SOURCE_DIR}/world/certificates.c)
target_include_directories(live_place PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(live_place PRIVATE dumont_options PUBLIC dumont_live PkgConfig::SSL PkgConfig::CRYPTO Threads::Threads cmocka)

dumont_tests(world unit live_place sim_store scripted_world)
