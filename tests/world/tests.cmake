dumont_tests(world unit dumont_live sim_store scripted_world)
