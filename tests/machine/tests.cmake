dumont_tests(machine unit dumont_machine scripted_world)
