dumont_tests(journey unit dumont_journey scripted_world)
