add_library(ssh_stage STATIC ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh_stage.c)
target_include_directories(ssh_stage PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(ssh_stage PRIVATE dumont_options PUBLIC fake_front)
add_executable(ssh_stage_main ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh_stage_main.c)
target_link_libraries(ssh_stage_main PRIVATE dumont_options ssh_stage)

# The SSH front, as OpenSSH's client sees it: one ctest entry for each class of ssh.py.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(group Commands Stages Keys Ends Times Shells Refusals)
    add_test(NAME front_ssh_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/front/ssh.py ${group} $<TARGET_FILE:ssh_stage_main>)
    set_tests_properties(front_ssh_${group} PROPERTIES LABELS front TIMEOUT 300)
  endforeach()
endif()
