# Those that want a PostgreSQL server run under a script that starts one for them, where it is installed.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(name world_store_contract world_postgres_store)
    set(${name}_LAUNCHER ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/with_postgres.py --)
  endforeach()
endif()
dumont_tests(world unit dumont_live sim_store scripted_world)
