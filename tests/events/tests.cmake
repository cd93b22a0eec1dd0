# A scripted world with a memory store behind it.
add_library(kept_world STATIC ${CMAKE_CURRENT_SOURCE_DIR}/events/kept_world.c)
target_include_directories(kept_world PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(kept_world PRIVATE dumont_options PUBLIC sim_store scripted_world)

dumont_tests(events unit dumont_events kept_world)
