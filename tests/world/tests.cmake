# Those that want a PostgreSQL server run under a script that starts one for them, where it is installed.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(name world_store_contract world_postgres_store world_postgres_hardship)
    set(${name}_LAUNCHER ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/with_postgres.py --)
  endforeach()
endif()

# What the tests of the live world share: a place of its own, and servers to talk to.
find_package(Threads REQUIRED)
add_library(live_place STATIC ${CMAKE_CURRENT_SOURCE_DIR}/world/live_place.c ${CMAKE_CURRENT_SOURCE_DIR}/world/scripted_server.c
  ${CMAKE_CURRENT_SOURCE_DIR}/world/certificates.c
  ${CMAKE_CURRENT_SOURCE_DIR}/world/ssh_stage.c
  ${CMAKE_CURRENT_SOURCE_DIR}/world/shell_scene.c)
target_include_directories(live_place PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(live_place PRIVATE dumont_options PUBLIC dumont_live PkgConfig::SSL PkgConfig::CRYPTO Threads::Threads cmocka)

# What the tests of the PostgreSQL store share.
add_library(postgres_bench STATIC ${CMAKE_CURRENT_SOURCE_DIR}/world/postgres_bench.c)
target_include_directories(postgres_bench PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(postgres_bench PRIVATE dumont_options PUBLIC dumont_live cmocka)

dumont_tests(world unit live_place postgres_bench sim_store scripted_world)
