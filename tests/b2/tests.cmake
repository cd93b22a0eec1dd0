dumont_tests(b2 unit dumont_b2 scripted_world)
