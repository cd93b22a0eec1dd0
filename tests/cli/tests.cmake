# The programs as a person runs them: one ctest entry for each class of programs.py.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(group EveryProgram Dumont DumontFake EventsStore HistoryFiles)
    add_test(NAME cli_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/programs.py ${group}
                     $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
    set_tests_properties(cli_${group} PROPERTIES LABELS cli TIMEOUT 300)
  endforeach()
  # The network commands, against a scripted API: one entry for each class of network.py.
  foreach(group NetworkRefusals NetworkAnswers NetworkTerminal NetworkSignals)
    add_test(NAME cli_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/network.py ${group}
                     $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
    set_tests_properties(cli_${group} PROPERTIES LABELS cli TIMEOUT 300)
  endforeach()
  # Events and webhooks, with a PostgreSQL server where one is installed: one entry for each class of events.py.
  foreach(group EventsTrouble EventsPostgres Webhooks)
    add_test(NAME cli_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/world/with_postgres.py --
                     ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/events.py ${group}
                     $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
    set_tests_properties(cli_${group} PROPERTIES LABELS cli TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
  # The client's work on machines, against the fake cloud: one entry for each class of transfer.py.
  foreach(group Run RunSandboxed Copy CopySandboxed)
    add_test(NAME cli_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/transfer.py ${group}
                     $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
    set_tests_properties(cli_${group} PROPERTIES LABELS cli TIMEOUT 300)
  endforeach()
  # Whole checks against the fake cloud. Ended at any moment: a few of them always, fifty among the slow tests.
  foreach(group LiveRehearsal Moments FiftyMoments)
    add_test(NAME cli_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/moments.py ${group}
                     $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
    set_tests_properties(cli_${group} PROPERTIES LABELS cli TIMEOUT 600)
  endforeach()
  set_tests_properties(cli_FiftyMoments PROPERTIES LABELS "cli;slow")
endif()
